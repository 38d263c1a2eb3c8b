package main

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
)

func TestProbeHTTP(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/health" {
			http.Error(w, "raft is behind", http.StatusServiceUnavailable)
		}
	}))
	defer srv.Close()

	if err := probe(t.Context(), srv.URL+"/health"); err != nil {
		t.Fatalf("healthy endpoint: %v", err)
	}
	err := probe(t.Context(), srv.URL+"/other")
	if err == nil || !strings.Contains(err.Error(), "raft is behind") {
		t.Fatalf("unhealthy endpoint: got %v, want the status and the body", err)
	}
}

func TestProbeGRPC(t *testing.T) {
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv, state := grpc.NewServer(), health.NewServer()
	healthpb.RegisterHealthServer(srv, state)
	done := make(chan error, 1)
	go func() { done <- srv.Serve(lis) }()
	defer func() {
		srv.Stop()
		<-done
	}()
	target := "grpc://" + lis.Addr().String()

	if err := probe(t.Context(), target); err != nil {
		t.Fatalf("serving: %v", err)
	}
	state.SetServingStatus("draining", healthpb.HealthCheckResponse_NOT_SERVING)
	if err := probe(t.Context(), target+"/draining"); err == nil || !strings.Contains(err.Error(), "NOT_SERVING") {
		t.Fatalf("draining service: got %v, want NOT_SERVING", err)
	}
	if err := probe(t.Context(), target+"/unknown"); err == nil {
		t.Fatal("unknown service: got nil, want an error")
	}
}

func TestProbeRefusesOtherSchemes(t *testing.T) {
	if err := probe(t.Context(), "ftp://127.0.0.1"); err == nil {
		t.Fatal("got nil, want an error")
	}
}
