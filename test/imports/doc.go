// Package imports holds the edges between the modules of the workspace: who may import whom, and why.
//
// Edges is the table; its test reads every Go file of every module that go.work names, under all build tags at once, and
// reports each import that no edge allows, with the file, the line and the edge's reason. Only direct imports count: what
// a module reaches through another is the other's own edge to hold.
//
// An import within one module is never an edge between modules and is left to Go's own internal rule, except where an
// edge says otherwise by naming a folder of that module in its Of.
//
// The test reads files of other modules, which Go's test cache does not watch: run it with -count=1, as make lint does.
package imports
