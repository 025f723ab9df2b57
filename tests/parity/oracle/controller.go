package main

import (
	"reflect"
	"slices"
	"time"
	"unsafe"

	autoscaling "k8s.io/api/autoscaling/v2"
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/kubernetes/pkg/controller/podautoscaler"
)

// change is a rescale in the controller's memory; growth is positive.
type change struct {
	SecondsAgo int64 `json:"secondsAgo"`
	Replicas   int32 `json:"replicas"`
}

// The controller's own functions, which it does not export.

//go:linkname normalizeDesiredReplicas k8s.io/kubernetes/pkg/controller/podautoscaler.(*HorizontalController).normalizeDesiredReplicas
func normalizeDesiredReplicas(a *podautoscaler.HorizontalController, hpa *autoscaling.HorizontalPodAutoscaler, key string, current, desired, minimum int32) int32

//go:linkname normalizeDesiredReplicasWithBehaviors k8s.io/kubernetes/pkg/controller/podautoscaler.(*HorizontalController).normalizeDesiredReplicasWithBehaviors
func normalizeDesiredReplicasWithBehaviors(a *podautoscaler.HorizontalController, hpa *autoscaling.HorizontalPodAutoscaler, key string, current, desired, minimum int32) int32

//go:linkname buildQuantity k8s.io/kubernetes/pkg/controller/podautoscaler.buildQuantity
func buildQuantity(name v1.ResourceName, milli int64) resource.Quantity

//go:linkname recordInitialRecommendation k8s.io/kubernetes/pkg/controller/podautoscaler.(*HorizontalController).recordInitialRecommendation
func recordInitialRecommendation(a *podautoscaler.HorizontalController, current int32, key string)

//go:linkname storeScaleEvent k8s.io/kubernetes/pkg/controller/podautoscaler.(*HorizontalController).storeScaleEvent
func storeScaleEvent(a *podautoscaler.HorizontalController, behavior *autoscaling.HorizontalPodAutoscalerBehavior, key string, before, after int32)

func writable(field reflect.Value) reflect.Value {
	return reflect.NewAt(field.Type(), unsafe.Pointer(field.UnsafeAddr())).Elem()
}

// controllerOf is a controller without a downscale stabilization that remembers the scenario's rescales, in its own way: what
// it stores may overwrite what it stored before.
func controllerOf(key string, behavior *autoscaling.HorizontalPodAutoscalerBehavior, changes []change) *podautoscaler.HorizontalController {
	controller := &podautoscaler.HorizontalController{}
	fields := reflect.ValueOf(controller).Elem()
	for _, name := range []string{"recommendations", "scaleUpEvents", "scaleDownEvents"} {
		field := writable(fields.FieldByName(name))
		field.Set(reflect.MakeMap(field.Type()))
	}
	oldestFirst := slices.SortedFunc(slices.Values(changes), func(a, b change) int {
		return int(b.SecondsAgo - a.SecondsAgo)
	})
	for i, c := range oldestFirst {
		storeScaleEvent(controller, behavior, key, max(0, -c.Replicas), max(0, c.Replicas))
		next := int64(0)
		if i+1 < len(oldestFirst) {
			next = oldestFirst[i+1].SecondsAgo
		}
		age(controller, time.Duration(c.SecondsAgo-next)*time.Second)
	}
	return controller
}

// limit is what the controller makes of a proposal, and the reason of the condition ScalingLimited.
func limit(s *scenario, proposal int32) (int32, string) {
	hpa := hpaOf(s)
	const key = "parity/web"
	controller := controllerOf(key, hpa.Spec.Behavior, s.Changes)
	normalize := normalizeDesiredReplicas
	if hpa.Spec.Behavior != nil {
		normalize = normalizeDesiredReplicasWithBehaviors
	}
	desired := normalize(controller, hpa, key, s.Facts.Scale.Known.SpecReplicas, max(0, proposal), *hpa.Spec.MinReplicas)
	for _, condition := range hpa.Status.Conditions {
		if condition.Type == autoscaling.ScalingLimited {
			return desired, condition.Reason
		}
	}
	return desired, ""
}
