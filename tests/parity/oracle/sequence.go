package main

import (
	"reflect"
	"strconv"
	"time"

	autoscaling "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/api/resource"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	defaults "k8s.io/kubernetes/pkg/apis/autoscaling/v2"
	"k8s.io/kubernetes/pkg/controller/podautoscaler"
	"k8s.io/kubernetes/pkg/controller/podautoscaler/metrics"
)

// turn is one sync: so long after the one before it, and what the external metric is worth then.
type turn struct {
	AfterSeconds int64 `json:"afterSeconds"`
	Want         int32 `json:"want"`
}

// decision is what the controller makes of a turn.
type decision struct {
	Replicas   int32                                          `json:"replicas"`
	Reason     string                                         `json:"reason"`
	Conditions []autoscaling.HorizontalPodAutoscalerCondition `json:"conditions"`
}

// age lets time go by: the controller asks the machine for the time, so what it remembers grows older.
func age(controller *podautoscaler.HorizontalController, by time.Duration) {
	fields := reflect.ValueOf(controller).Elem()
	for _, name := range []string{"recommendations", "scaleUpEvents", "scaleDownEvents"} {
		remembered := writable(fields.FieldByName(name))
		for _, key := range remembered.MapKeys() {
			all := remembered.MapIndex(key)
			for i := range all.Len() {
				at := writable(all.Index(i).FieldByName("timestamp"))
				at.Set(reflect.ValueOf(at.Interface().(time.Time).Add(-by)))
			}
		}
	}
}

// play does what reconcileAutoscaler does with the first metric, an external one of AverageValue 1, turn by turn.
func play(s *scenario) ([]decision, error) {
	hpa := hpaOf(s)
	const key = "parity/web"
	controller := controllerOf(key, nil, nil)
	writable(reflect.ValueOf(controller).Elem().FieldByName("downscaleStabilisationWindow")).SetInt(
		int64(time.Duration(s.DownscaleSeconds) * time.Second))
	pods := corelisters.NewPodLister(cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{}))
	current := s.Facts.Scale.Known.SpecReplicas
	var out []decision
	for _, t := range s.Turns {
		age(controller, time.Duration(t.AfterSeconds)*time.Second)
		recordInitialRecommendation(controller, current, key)
		outside := []value{{Value: resource.MustParse(strconv.Itoa(int(t.Want)))}}
		calculator := podautoscaler.NewReplicaCalculator(
			metrics.NewRESTMetricsClient(samples{}, customMetrics{}, externalMetrics{outside}), pods, 5*time.Minute, 30*time.Second)
		want, _, _, err := calculator.GetExternalPerPodMetricReplicas(current, 1000, "queue", tolerancesOf(s), namespace, nil)
		if err != nil {
			return nil, err
		}
		normalize := normalizeDesiredReplicas
		if hpa.Spec.Behavior != nil {
			normalize = normalizeDesiredReplicasWithBehaviors
		}
		made := decision{Replicas: normalize(controller, hpa, key, current, want, *hpa.Spec.MinReplicas)}
		if made.Replicas != current {
			storeScaleEvent(controller, hpa.Spec.Behavior, key, current, made.Replicas)
			switch {
			case want > current:
				made.Reason = "external metric queue(nil) above target"
			case want < current:
				made.Reason = "All metrics below target"
			}
		}
		made.Conditions = append(made.Conditions, hpa.Status.Conditions...)
		out = append(out, made)
		current = made.Replicas
	}
	return out, nil
}

func hpaOf(s *scenario) *autoscaling.HorizontalPodAutoscaler {
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
	return hpa
}
