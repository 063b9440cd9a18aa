// Go's own httputil.ReverseProxy, in the set-up of set-up.mjs: below one prefix, the host's cookie is read, its session looked
// up, and the tenant's cookies are sent in place of the browser's. One Transport that keeps its connections, and a pool of
// buffers, as the proxies that are built on this package have it.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

type buffers struct{ pool sync.Pool }

func (b *buffers) Get() []byte      { return *(b.pool.Get().(*[]byte)) }
func (b *buffers) Put(chunk []byte) { b.pool.Put(&chunk) }

func newBuffers() *buffers {
	return &buffers{sync.Pool{New: func() any {
		chunk := make([]byte, 32*1024)
		return &chunk
	}}}
}

func newTransport(caFile string) *http.Transport {
	transport := &http.Transport{
		MaxIdleConns:        1024,
		MaxIdleConnsPerHost: 1024,
		IdleConnTimeout:     90 * time.Second,
		DisableCompression:  true,
		// HTTP/1.1, as all others speak it.
		TLSNextProto: map[string]func(string, *tls.Conn) http.RoundTripper{},
	}
	if caFile != "" {
		pem, err := os.ReadFile(caFile)
		if err != nil {
			log.Fatal(err)
		}
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM(pem)
		transport.TLSClientConfig = &tls.Config{RootCAs: roots, ClientSessionCache: tls.NewLRUClientSessionCache(64)}
	}
	return transport
}

func main() {
	tenant, err := url.Parse(os.Getenv("BENCH_TENANT"))
	if err != nil {
		log.Fatal(err)
	}
	prefix := os.Getenv("BENCH_PREFIX")
	users, _ := strconv.Atoi(os.Getenv("BENCH_USERS"))
	sessions := make(map[string]string, users)
	for index := 0; index < users; index++ {
		sessions["bench-"+strconv.Itoa(index)] = os.Getenv("BENCH_CREDENTIAL")
	}
	proxy := &httputil.ReverseProxy{
		Director: func(request *http.Request) {
			request.URL.Scheme = tenant.Scheme
			request.URL.Host = tenant.Host
			request.Host = tenant.Host
		},
		ModifyResponse: func(answer *http.Response) error {
			answer.Header.Del("Set-Cookie")
			return nil
		},
		Transport:  newTransport(os.Getenv("BENCH_CA_FILE")),
		BufferPool: newBuffers(),
	}
	serve := func(response http.ResponseWriter, request *http.Request) {
		id, err := request.Cookie("sid")
		path := strings.TrimPrefix(request.URL.Path, prefix+"/")
		if err != nil || path == request.URL.Path {
			response.WriteHeader(http.StatusUnauthorized)
			return
		}
		credential, isKnown := sessions[id.Value]
		if !isKnown {
			response.WriteHeader(http.StatusUnauthorized)
			return
		}
		request.URL.Path = "/" + path
		request.Header.Set("Cookie", credential)
		proxy.ServeHTTP(response, request)
	}
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Getenv("BENCH_PORT"), http.HandlerFunc(serve)))
}
