package rpc

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// RetryPolicy says which calls are sent again after UNAVAILABLE. The zero value retries nothing.
type RetryPolicy struct {
	// Safe lists the methods that may run twice, as "package.Service/Method", or "package.Service" for all of a service.
	Safe []string
	// Attempts counts the first one too. Default 4; gRPC bounds it to 5.
	Attempts int
	// InitialBackoff is the longest pause before the second attempt; it doubles. gRPC takes a random part of it. Default 20 ms.
	InitialBackoff time.Duration
	// MaxBackoff bounds the pause. Default 500 ms.
	MaxBackoff time.Duration
}

// The JSON shape of gRPC's service config (grpc/service_config.proto), as far as it is used here.
type (
	serviceConfig struct {
		LoadBalancing []map[string]struct{} `json:"loadBalancingConfig"`
		Health        *healthConfig         `json:"healthCheckConfig,omitempty"`
		Methods       []methodConfig        `json:"methodConfig,omitempty"`
		Throttling    *throttling           `json:"retryThrottling,omitempty"`
	}
	healthConfig struct {
		ServiceName string `json:"serviceName"`
	}
	methodConfig struct {
		Name  []methodName `json:"name"`
		Retry retryConfig  `json:"retryPolicy"`
	}
	methodName struct {
		Service string `json:"service"`
		Method  string `json:"method,omitempty"`
	}
	retryConfig struct {
		MaxAttempts          int      `json:"maxAttempts"`
		InitialBackoff       string   `json:"initialBackoff"`
		MaxBackoff           string   `json:"maxBackoff"`
		BackoffMultiplier    float64  `json:"backoffMultiplier"`
		RetryableStatusCodes []string `json:"retryableStatusCodes"`
	}
	throttling struct {
		MaxTokens  int     `json:"maxTokens"`
		TokenRatio float64 `json:"tokenRatio"`
	}
)

// buildServiceConfig renders the service config of a connection.
func buildServiceConfig(balancer string, policy RetryPolicy) (string, error) {
	sc := serviceConfig{
		LoadBalancing: []map[string]struct{}{{balancer: {}}},
		// The empty name is the server as a whole.
		Health: &healthConfig{},
	}
	if len(policy.Safe) > 0 {
		if policy.Attempts <= 0 {
			policy.Attempts = 4
		}
		if policy.Attempts < 2 || policy.Attempts > 5 {
			return "", fmt.Errorf("rpc: %d retry attempts are outside [2, 5]", policy.Attempts)
		}
		if policy.InitialBackoff <= 0 {
			policy.InitialBackoff = 20 * time.Millisecond
		}
		if policy.MaxBackoff <= 0 {
			policy.MaxBackoff = 500 * time.Millisecond
		}
		mc := methodConfig{Retry: retryConfig{
			MaxAttempts:          policy.Attempts,
			InitialBackoff:       seconds(policy.InitialBackoff),
			MaxBackoff:           seconds(policy.MaxBackoff),
			BackoffMultiplier:    2,
			RetryableStatusCodes: []string{"UNAVAILABLE"},
		}}
		for _, name := range policy.Safe {
			service, method, _ := strings.Cut(strings.TrimPrefix(name, "/"), "/")
			if service == "" {
				return "", fmt.Errorf("rpc: bad safe method %q", name)
			}
			mc.Name = append(mc.Name, methodName{Service: service, Method: method})
		}
		sc.Methods = []methodConfig{mc}
		// When more than about one call in ten fails, retrying would only add to the load.
		sc.Throttling = &throttling{MaxTokens: 100, TokenRatio: 0.1}
	}
	out, err := json.Marshal(sc)
	if err != nil {
		return "", fmt.Errorf("rpc: service config: %w", err)
	}
	return string(out), nil
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.9fs", d.Seconds()) }
