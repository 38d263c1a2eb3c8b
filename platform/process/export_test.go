package process

// HTTPAddress is where the process serves HTTP, once its service runs.
func (p *Process) HTTPAddress() string { return p.web.Address() }

// Started is closed once everything was started. It may be asked for once the service runs.
func (p *Process) Started() <-chan struct{} { return p.group.Ready() }
