// Package access is the language in which an executor asks storage for rows and hands it changes: requests and
// answers as plain values, the same whether storage is in the same process or behind gRPC.
//
// Interfaces live with their consumer; this package has the words only. Requests are read-only once handed over.
package access
