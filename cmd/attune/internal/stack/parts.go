package stack

import (
	"github.com/attunedb/attune/services/costmodel"
	"github.com/attunedb/attune/services/executor"
	"github.com/attunedb/attune/services/history"
	"github.com/attunedb/attune/services/storage"
)

// parts are the services that run here, nil where they do not; set as they start.
type parts struct {
	storage   *storage.Service
	history   *history.Service
	costmodel *costmodel.Service
	executor  *executor.Service
}

func (p *parts) pgAddress() string {
	if p.executor == nil {
		return ""
	}
	return p.executor.PGAddress()
}

// admin are the services that answer people's questions, for the door of a process that has them.
func (p *parts) admin() []service {
	var out []service
	if p.history != nil {
		out = append(out, p.history)
	}
	if p.costmodel != nil {
		out = append(out, p.costmodel)
	}
	return out
}
