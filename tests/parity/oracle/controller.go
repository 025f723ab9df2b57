package main

import (
	"reflect"
	"time"
	"unsafe"

	autoscaling "k8s.io/api/autoscaling/v2"
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	defaults "k8s.io/kubernetes/pkg/apis/autoscaling/v2"
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

func writable(field reflect.Value) reflect.Value {
	return reflect.NewAt(field.Type(), unsafe.Pointer(field.UnsafeAddr())).Elem()
}

// controllerOf is a controller without a downscale stabilization that remembers the scenario's rescales.
func controllerOf(key string, changes []change) *podautoscaler.HorizontalController {
	controller := &podautoscaler.HorizontalController{}
	fields := reflect.ValueOf(controller).Elem()
	for _, name := range []string{"recommendations", "scaleUpEvents", "scaleDownEvents"} {
		field := writable(fields.FieldByName(name))
		field.Set(reflect.MakeMap(field.Type()))
	}
	for _, c := range changes {
		name, size := "scaleUpEvents", c.Replicas
		if size < 0 {
			name, size = "scaleDownEvents", -size
		}
		events := writable(fields.FieldByName(name))
		event := reflect.New(events.Type().Elem().Elem()).Elem()
		writable(event.FieldByName("replicaChange")).SetInt(int64(size))
		writable(event.FieldByName("timestamp")).Set(reflect.ValueOf(time.Now().Add(-time.Duration(c.SecondsAgo) * time.Second)))
		all := events.MapIndex(reflect.ValueOf(key))
		if !all.IsValid() {
			all = reflect.Zero(events.Type().Elem())
		}
		events.SetMapIndex(reflect.ValueOf(key), reflect.Append(all, event))
	}
	return controller
}

// limit is what the controller makes of a proposal, and the reason of the condition ScalingLimited.
func limit(s *scenario, proposal int32) (int32, string) {
	spec := s.Facts.HPA
	hpa := &autoscaling.HorizontalPodAutoscaler{Spec: autoscaling.HorizontalPodAutoscalerSpec{
		MinReplicas: spec.MinReplicas, MaxReplicas: spec.MaxReplicas, Behavior: spec.Behavior,
	}}
	if spec.Behavior != nil {
		for _, rules := range []*autoscaling.HPAScalingRules{spec.Behavior.ScaleUp, spec.Behavior.ScaleDown} {
			// The API refuses an empty list; in the facts it stands for none.
			if rules != nil && len(rules.Policies) == 0 {
				rules.Policies = nil
			}
		}
	}
	defaults.SetDefaults_HorizontalPodAutoscaler(hpa)
	const key = "parity/web"
	controller := controllerOf(key, s.Changes)
	normalize := normalizeDesiredReplicas
	if spec.Behavior != nil {
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
