package train

import (
	"fmt"
	"strconv"

	"github.com/sjwhitworth/golearn/base"
	"github.com/sjwhitworth/golearn/trees"

	"github.com/attunedb/attune/engine/forest"
)

// criterion is golearn's split measure: mean absolute deviation from the mean of
// each side, which a few outliers move less than squares would.
const criterion = "mae"

// grid lays rows out as golearn wants them: one float attribute for each column,
// named by its position, and the label as class attribute.
func grid(codes [][]float64, labels []float64) (*base.DenseInstances, error) {
	g := base.NewDenseInstances()
	var specs []base.AttributeSpec
	if len(codes) > 0 {
		specs = make([]base.AttributeSpec, len(codes[0]))
	}
	for c := range specs {
		specs[c] = g.AddAttribute(base.NewFloatAttribute(strconv.Itoa(c)))
	}
	class := base.NewFloatAttribute("target")
	target := g.AddAttribute(class)
	if err := g.AddClassAttribute(class); err != nil {
		return nil, fmt.Errorf("train: golearn class attribute: %w", err)
	}
	if err := g.Extend(len(codes)); err != nil {
		return nil, fmt.Errorf("train: golearn rows: %w", err)
	}
	for i, row := range codes {
		for c, code := range row {
			g.Set(specs[c], i, base.PackFloatToBytes(code))
		}
		g.Set(target, i, base.PackFloatToBytes(labels[i]))
	}
	return g, nil
}

// fitTree grows one golearn tree. It needs at least one row and one column, and
// labels that differ: golearn panics on no rows and predicts 0 for one label. A
// panic inside golearn comes back as an error.
func fitTree(codes [][]float64, labels []float64, depth int) (tree *trees.CARTDecisionTreeRegressor, err error) {
	defer func() {
		if r := recover(); r != nil {
			tree, err = nil, fmt.Errorf("train: golearn panicked: %v", r)
		}
	}()
	g, err := grid(codes, labels)
	if err != nil {
		return nil, err
	}
	tree = trees.NewDecisionTreeRegressor(criterion, int64(depth))
	if err := tree.Fit(g); err != nil {
		return nil, fmt.Errorf("train: golearn: %w", err)
	}
	return tree, nil
}

// flatten appends a golearn tree to nodes, children after parents, and returns
// the grown slice and the root's index. Column j of the tree is column
// columns[j] of b; leaf values are multiplied by scale.
func flatten(nodes []forest.Node, tree *trees.CARTDecisionTreeRegressor, b *binned, columns []int, scale float64) ([]forest.Node, int32) {
	root := int32(len(nodes))
	leaf := func(value float64) int32 {
		nodes = append(nodes, forest.Node{Feature: forest.Leaf, Threshold: value * scale})
		return int32(len(nodes) - 1)
	}
	// A root without a split has the zero threshold, below every code but 0 and
	// so never a real one, and holds the mean as its left prediction.
	if tree.RootNode.Threshold == 0 {
		leaf(tree.RootNode.LeftPred)
		return nodes, root
	}
	// golearn does not export its node type, so the stack's type is inferred.
	stack, places := one(tree.RootNode), []int32{root}
	nodes = append(nodes, forest.Node{})
	for len(stack) > 0 {
		n, at := stack[len(stack)-1], places[len(places)-1]
		stack, places = stack[:len(stack)-1], places[:len(places)-1]
		column := columns[n.Feature]
		split := forest.Node{Feature: int16(b.features[column]), Threshold: b.rawThreshold(column, n.Threshold)}
		if n.Left == nil {
			split.Left = leaf(n.LeftPred)
		} else {
			nodes = append(nodes, forest.Node{})
			split.Left = int32(len(nodes) - 1)
			stack, places = append(stack, n.Left), append(places, split.Left)
		}
		if n.Right == nil {
			split.Right = leaf(n.RightPred)
		} else {
			nodes = append(nodes, forest.Node{})
			split.Right = int32(len(nodes) - 1)
			stack, places = append(stack, n.Right), append(places, split.Right)
		}
		nodes[at] = split
	}
	return nodes, root
}

func one[T any](v T) []T { return []T{v} }
