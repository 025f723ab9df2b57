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

	autoscaling "k8s.io/api/autoscaling/v2"
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
	Type      string                                   `json:"type"`
	Name      string                                   `json:"name"`
	Container string                                   `json:"container"`
	Object    *autoscaling.CrossVersionObjectReference `json:"object"`
	Target    struct {
		AverageUtilization *int32  `json:"averageUtilization"`
		AverageValue       *string `json:"averageValue"`
		Value              *string `json:"value"`
	} `json:"target"`
}

type scenario struct {
	ToleranceUp   float64 `json:"toleranceUp"`
	ToleranceDown float64 `json:"toleranceDown"`
	// Limits asks for the whole way from the metric to the number that the controller writes.
	Limits bool `json:"limits"`
	// Changes are the rescales that the controller remembers.
	Changes []change `json:"changes"`
	// Turns are syncs, one after the other, of a controller that begins with an empty memory.
	Turns []turn `json:"turns"`
	// DownscaleSeconds is its flag for the window of scaling down.
	DownscaleSeconds int64 `json:"downscaleSeconds"`
	Facts            struct {
		HPA struct {
			Metrics     []metricSpec                                 `json:"metrics"`
			MinReplicas *int32                                       `json:"minReplicas"`
			MaxReplicas int32                                        `json:"maxReplicas"`
			Behavior    *autoscaling.HorizontalPodAutoscalerBehavior `json:"behavior"`
		} `json:"hpa"`
		Scale struct {
			Known struct {
				SpecReplicas   int32 `json:"specReplicas"`
				StatusReplicas int32 `json:"statusReplicas"`
			} `json:"known"`
		} `json:"scale"`
		MetricValues []struct {
			Known []value `json:"known"`
		} `json:"metricValues"`
		Pods struct {
			Known []pod `json:"known"`
		} `json:"pods"`
		PodMetrics struct {
			Known []podMetrics `json:"known"`
		} `json:"podMetrics"`
	} `json:"facts"`
}

type answer struct {
	Replicas    int32 `json:"replicas"`
	Utilization int32 `json:"utilization"`
	// Usage is the mean or the value, as the status shows it.
	Usage string `json:"usage"`
	Error string `json:"error,omitempty"`
	// Desired is what the controller writes, Reason why: the condition ScalingLimited.
	Desired int32  `json:"desired"`
	Reason  string `json:"reason"`
	// Decisions answer Turns.
	Decisions []decision `json:"decisions"`
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

func targetOf(metric metricSpec) (int64, error) {
	for _, text := range []*string{metric.Target.AverageValue, metric.Target.Value} {
		if text != nil {
			quantity, err := resource.ParseQuantity(*text)
			return quantity.MilliValue(), err
		}
	}
	return 0, nil
}

func solve(s *scenario) (answer, error) {
	if len(s.Turns) > 0 {
		decisions, err := play(s)
		return answer{Decisions: decisions}, err
	}
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
	var outside []value
	if len(s.Facts.MetricValues) > 0 {
		outside = s.Facts.MetricValues[0].Known
	}
	for _, m := range s.Facts.PodMetrics.Known {
		converted, err := sampleOf(m)
		if err != nil {
			return answer{}, err
		}
		source.items = append(source.items, converted)
	}
	calculator := podautoscaler.NewReplicaCalculator(
		metrics.NewRESTMetricsClient(source, customMetrics{outside}, externalMetrics{outside}), corelisters.NewPodLister(indexer), 5*time.Minute, 30*time.Second)

	metric := s.Facts.HPA.Metrics[0]
	current := s.Facts.Scale.Known.SpecReplicas
	tolerances := tolerancesOf(s)
	name := v1.ResourceName(metric.Name)
	var out answer
	target, err := targetOf(metric)
	if err != nil {
		return answer{}, err
	}
	everything := labels.Everything()
	average := metric.Target.AverageValue != nil
	status := s.Facts.Scale.Known.StatusReplicas
	var usage int64
	switch {
	case metric.Type == "Pods":
		out.Replicas, usage, _, err = calculator.GetMetricReplicas(current, target, metric.Name, tolerances, namespace, everything, everything)
	case metric.Type == "Object" && average:
		out.Replicas, usage, _, err = calculator.GetObjectPerPodMetricReplicas(status, target, metric.Name, tolerances, namespace, metric.Object, everything)
	case metric.Type == "Object":
		out.Replicas, usage, _, err = calculator.GetObjectMetricReplicas(current, target, metric.Name, tolerances, namespace, metric.Object, everything, everything)
	case metric.Type == "External" && average:
		out.Replicas, usage, _, err = calculator.GetExternalPerPodMetricReplicas(status, target, metric.Name, tolerances, namespace, nil)
	case metric.Type == "External":
		out.Replicas, usage, _, err = calculator.GetExternalMetricReplicas(current, target, metric.Name, tolerances, namespace, nil, everything)
	case metric.Target.AverageUtilization != nil:
		out.Replicas, out.Utilization, usage, _, err = calculator.GetResourceReplicas(
			context.Background(), current, *metric.Target.AverageUtilization, name, tolerances, namespace, everything, metric.Container)
	default:
		out.Replicas, usage, _, err = calculator.GetRawResourceReplicas(
			context.Background(), current, target, name, tolerances, namespace, everything, metric.Container)
	}
	if err != nil {
		return answer{Error: err.Error()}, nil
	}
	// Only the name of a resource tells its format.
	if metric.Type != "Resource" && metric.Type != "ContainerResource" {
		name = ""
	}
	shown := buildQuantity(name, usage)
	out.Usage = shown.String()
	if s.Limits {
		out.Desired, out.Reason = limit(s, out.Replicas)
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
