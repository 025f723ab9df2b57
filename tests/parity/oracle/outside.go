package main

import (
	"fmt"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	custom "k8s.io/metrics/pkg/apis/custom_metrics/v1beta2"
	external "k8s.io/metrics/pkg/apis/external_metrics/v1beta1"
	customclient "k8s.io/metrics/pkg/client/custom_metrics"
	externalclient "k8s.io/metrics/pkg/client/external_metrics"
)

// value is what the API of a Pods, Object or External metric gives.
type value struct {
	Object string            `json:"object"`
	Value  resource.Quantity `json:"value"`
}

// customMetrics is a custom.metrics.k8s.io that answers with the scenario's values.
type customMetrics struct{ values []value }

func (c customMetrics) RootScopedMetrics() customclient.MetricsInterface       { return c }
func (c customMetrics) NamespacedMetrics(string) customclient.MetricsInterface { return c }

func (c customMetrics) list() *custom.MetricValueList {
	out := &custom.MetricValueList{}
	for _, v := range c.values {
		out.Items = append(out.Items, custom.MetricValue{DescribedObject: v1.ObjectReference{Name: v.Object}, Value: v.Value})
	}
	return out
}

// GetForObject refuses what is not one value, as the real client does.
func (c customMetrics) GetForObject(schema.GroupKind, string, string, labels.Selector) (*custom.MetricValue, error) {
	list := c.list()
	if len(list.Items) != 1 {
		return nil, fmt.Errorf("the custom metrics API server returned %v results when we asked for exactly one", len(list.Items))
	}
	return &list.Items[0], nil
}

func (c customMetrics) GetForObjects(schema.GroupKind, labels.Selector, string, labels.Selector) (*custom.MetricValueList, error) {
	return c.list(), nil
}

// externalMetrics is an external.metrics.k8s.io that answers with the scenario's values.
type externalMetrics struct{ values []value }

func (e externalMetrics) NamespacedMetrics(string) externalclient.MetricsInterface { return e }

func (e externalMetrics) List(string, labels.Selector) (*external.ExternalMetricValueList, error) {
	out := &external.ExternalMetricValueList{}
	for _, v := range e.values {
		out.Items = append(out.Items, external.ExternalMetricValue{Value: v.Value})
	}
	return out, nil
}
