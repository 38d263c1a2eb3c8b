// Package algebra walks, copies and prints trees of logical operators.
package algebra
