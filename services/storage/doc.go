// Package storage owns rows.
package storage
