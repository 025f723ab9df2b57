// The oracle drives the controller's own ReplicaCalculator and metrics client.
//
// It reads one scenario a line from standard input, in the project's facts format (HpaFacts) with the
// settings beside it, and answers with one line each: what the calculator returns for the first metric.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"reflect"
	"time"
	"unsafe"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
	"k8s.io/kubernetes/pkg/controller/podautoscaler"
	"k8s.io/kubernetes/pkg/controller/podautoscaler/metrics"
	metricsapi "k8s.io/metrics/pkg/apis/metrics/v1beta1"
	metricsclient "k8s.io/metrics/pkg/client/clientset/versioned/typed/metrics/v1beta1"
)

type resources struct {
	Requests map[string]string `json:"requests"`
}

type condition struct {
	Type               string     `json:"type"`
	Status             string     `json:"status"`
	LastTransitionTime *time.Time `json:"lastTransitionTime"`
}

type container struct {
	Name        string    `json:"name"`
	Init        bool      `json:"init"`
	Restartable bool      `json:"restartable"`
	Resources   resources `json:"resources"`
}

type pod struct {
	Name       string      `json:"name"`
	Phase      string      `json:"phase"`
	DeletedAt  *time.Time  `json:"deletedAt"`
	StartTime  *time.Time  `json:"startTime"`
	Conditions []condition `json:"conditions"`
	Containers []container `json:"containers"`
	Resources  *resources  `json:"resources"`
}

type podMetrics struct {
	Name         string    `json:"name"`
	Timestamp    time.Time `json:"timestamp"`
	WindowMillis int64     `json:"windowMillis"`
	Containers   []struct {
		Name  string            `json:"name"`
		Usage map[string]string `json:"usage"`
	} `json:"containers"`
}

type metricSpec struct {
	Name      string `json:"name"`
	Container string `json:"container"`
	Target    struct {
		AverageUtilization *int32  `json:"averageUtilization"`
		AverageValue       *string `json:"averageValue"`
	} `json:"target"`
}

type scenario struct {
	ToleranceUp   float64 `json:"toleranceUp"`
	ToleranceDown float64 `json:"toleranceDown"`
	Facts         struct {
		HPA struct {
			Metrics []metricSpec `json:"metrics"`
		} `json:"hpa"`
		Scale struct {
			Known struct {
				SpecReplicas int32 `json:"specReplicas"`
			} `json:"known"`
		} `json:"scale"`
		Pods struct {
			Known []pod `json:"known"`
		} `json:"pods"`
		PodMetrics struct {
			Known []podMetrics `json:"known"`
		} `json:"podMetrics"`
	} `json:"facts"`
}

type answer struct {
	Replicas    int32  `json:"replicas"`
	Utilization int32  `json:"utilization"`
	Usage       int64  `json:"usage"`
	Error       string `json:"error,omitempty"`
}

const namespace = "parity"

// samples is a metrics.k8s.io that answers with the scenario's samples.
type samples struct {
	metricsclient.PodMetricsInterface
	items []metricsapi.PodMetrics
}

func (s samples) PodMetricses(string) metricsclient.PodMetricsInterface { return s }

func (s samples) List(context.Context, metav1.ListOptions) (*metricsapi.PodMetricsList, error) {
	return &metricsapi.PodMetricsList{Items: s.items}, nil
}

func requirements(in *resources) (v1.ResourceRequirements, error) {
	out := v1.ResourceRequirements{Requests: v1.ResourceList{}}
	for name, text := range in.Requests {
		quantity, err := resource.ParseQuantity(text)
		if err != nil {
			return out, err
		}
		out.Requests[v1.ResourceName(name)] = quantity
	}
	return out, nil
}

func timeOf(t *time.Time) *metav1.Time {
	if t == nil {
		return nil
	}
	return &metav1.Time{Time: *t}
}

func podOf(in pod) (*v1.Pod, error) {
	out := &v1.Pod{ObjectMeta: metav1.ObjectMeta{Name: in.Name, Namespace: namespace, DeletionTimestamp: timeOf(in.DeletedAt)}}
	out.Status.Phase = v1.PodPhase(in.Phase)
	out.Status.StartTime = timeOf(in.StartTime)
	for _, c := range in.Conditions {
		converted := v1.PodCondition{Type: v1.PodConditionType(c.Type), Status: v1.ConditionStatus(c.Status)}
		if c.LastTransitionTime != nil {
			converted.LastTransitionTime = metav1.Time{Time: *c.LastTransitionTime}
		}
		out.Status.Conditions = append(out.Status.Conditions, converted)
	}
	if in.Resources != nil {
		podLevel, err := requirements(in.Resources)
		if err != nil {
			return nil, err
		}
		out.Spec.Resources = &podLevel
	}
	for _, c := range in.Containers {
		required, err := requirements(&c.Resources)
		if err != nil {
			return nil, err
		}
		converted := v1.Container{Name: c.Name, Resources: required}
		if !c.Init {
			out.Spec.Containers = append(out.Spec.Containers, converted)
			continue
		}
		if c.Restartable {
			always := v1.ContainerRestartPolicyAlways
			converted.RestartPolicy = &always
		}
		out.Spec.InitContainers = append(out.Spec.InitContainers, converted)
	}
	return out, nil
}

func sampleOf(in podMetrics) (metricsapi.PodMetrics, error) {
	out := metricsapi.PodMetrics{
		ObjectMeta: metav1.ObjectMeta{Name: in.Name, Namespace: namespace},
		Timestamp:  metav1.Time{Time: in.Timestamp},
		Window:     metav1.Duration{Duration: time.Duration(in.WindowMillis) * time.Millisecond},
	}
	for _, c := range in.Containers {
		usage := v1.ResourceList{}
		for name, text := range c.Usage {
			quantity, err := resource.ParseQuantity(text)
			if err != nil {
				return out, err
			}
			usage[v1.ResourceName(name)] = quantity
		}
		out.Containers = append(out.Containers, metricsapi.ContainerMetrics{Name: c.Name, Usage: usage})
	}
	return out, nil
}

// tolerancesOf fills the calculator's tolerances, whose fields are not exported.
func tolerancesOf(s *scenario) podautoscaler.Tolerances {
	var tolerances podautoscaler.Tolerances
	fields := reflect.ValueOf(&tolerances).Elem()
	for name, value := range map[string]float64{"scaleUp": s.ToleranceUp, "scaleDown": s.ToleranceDown} {
		field := fields.FieldByName(name)
		reflect.NewAt(field.Type(), unsafe.Pointer(field.UnsafeAddr())).Elem().SetFloat(value)
	}
	return tolerances
}

func solve(s *scenario) (answer, error) {
	indexer := cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc})
	for _, p := range s.Facts.Pods.Known {
		converted, err := podOf(p)
		if err != nil {
			return answer{}, err
		}
		if err := indexer.Add(converted); err != nil {
			return answer{}, err
		}
	}
	var source samples
	for _, m := range s.Facts.PodMetrics.Known {
		converted, err := sampleOf(m)
		if err != nil {
			return answer{}, err
		}
		source.items = append(source.items, converted)
	}
	calculator := podautoscaler.NewReplicaCalculator(
		metrics.NewRESTMetricsClient(source, nil, nil), corelisters.NewPodLister(indexer), 5*time.Minute, 30*time.Second)

	metric := s.Facts.HPA.Metrics[0]
	current := s.Facts.Scale.Known.SpecReplicas
	tolerances := tolerancesOf(s)
	name := v1.ResourceName(metric.Name)
	var out answer
	var err error
	if metric.Target.AverageUtilization != nil {
		out.Replicas, out.Utilization, out.Usage, _, err = calculator.GetResourceReplicas(
			context.Background(), current, *metric.Target.AverageUtilization, name, tolerances, namespace, labels.Everything(), metric.Container)
	} else {
		target, parseErr := resource.ParseQuantity(*metric.Target.AverageValue)
		if parseErr != nil {
			return answer{}, parseErr
		}
		out.Replicas, out.Usage, _, err = calculator.GetRawResourceReplicas(
			context.Background(), current, target.MilliValue(), name, tolerances, namespace, labels.Everything(), metric.Container)
	}
	if err != nil {
		out = answer{Error: err.Error()}
	}
	return out, nil
}

func main() {
	klog.LogToStderr(false)
	klog.SetOutput(nil)
	reader := bufio.NewReaderSize(os.Stdin, 1<<20)
	writer := bufio.NewWriter(os.Stdout)
	defer writer.Flush()
	decoder := json.NewDecoder(reader)
	encoder := json.NewEncoder(writer)
	for decoder.More() {
		var s scenario
		if err := decoder.Decode(&s); err != nil {
			log.Fatal(fmt.Errorf("cannot read the scenario: %w", err))
		}
		out, err := solve(&s)
		if err != nil {
			log.Fatal(err)
		}
		if err := encoder.Encode(out); err != nil {
			log.Fatal(err)
		}
	}
}
