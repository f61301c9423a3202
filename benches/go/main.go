// The rows of the scheduler's benchmark in Go: main ROW prints one number.
package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"sort"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

func per(n int, f func()) float64 {
	start := time.Now()
	f()
	return float64(time.Since(start).Nanoseconds()) / float64(n)
}

func cpu() time.Duration {
	var usage syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func resident() float64 {
	text, _ := os.ReadFile("/proc/self/statm")
	pages, _ := strconv.Atoi(strings.Fields(string(text))[1])
	return float64(pages) * 4096
}

func skynet(first, size int) int {
	if size == 1 {
		return first
	}
	part := size / 10
	results := make(chan int, 10)
	for i := 0; i < 10; i++ {
		go func() { results <- skynet(first+i*part, part) }()
	}
	sum := 0
	for i := 0; i < 10; i++ {
		sum += <-results
	}
	return sum
}

func filter(in <-chan int, out chan<- int, prime int) {
	for {
		if n := <-in; n%prime != 0 {
			out <- n
		}
	}
}

func pingPong(room int) float64 {
	const n = 1000000
	to, back := make(chan int, room), make(chan int, room)
	return per(n, func() {
		go func() {
			for i := 0; i < n; i++ {
				back <- <-to
			}
		}()
		for i := 0; i < n; i++ {
			to <- i
			<-back
		}
	})
}

func feed(to []chan int, n int, receive func()) float64 {
	return per(n, func() {
		for _, c := range to {
			go func() {
				for i := 0; i < n/len(to); i++ {
					c <- i
				}
			}()
		}
		for i := 0; i < n; i++ {
			receive()
		}
	})
}

func mutex(goroutines int) float64 {
	const n = 2000000
	var lock sync.Mutex
	count := 0
	return per(n, func() {
		var wg sync.WaitGroup
		for i := 0; i < goroutines; i++ {
			wg.Go(func() {
				for i := 0; i < n/goroutines; i++ {
					lock.Lock()
					count++
					lock.Unlock()
				}
			})
		}
		wg.Wait()
	})
}

func echo() float64 {
	const connections, requests, size = 64, 3000, 64
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go func() {
		for {
			stream, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				buffer := make([]byte, size)
				for {
					if _, err := io.ReadFull(stream, buffer); err != nil {
						return
					}
					if _, err := stream.Write(buffer); err != nil {
						return
					}
				}
			}()
		}
	}()
	return per(connections*requests, func() {
		var wg sync.WaitGroup
		for i := 0; i < connections; i++ {
			wg.Go(func() {
				stream, err := net.Dial("tcp", listener.Addr().String())
				if err != nil {
					panic(err)
				}
				buffer := make([]byte, size)
				for i := 0; i < requests; i++ {
					if _, err := stream.Write(buffer); err != nil {
						panic(err)
					}
					if _, err := io.ReadFull(stream, buffer); err != nil {
						panic(err)
					}
				}
			})
		}
		wg.Wait()
	})
}

func compute() {
	for {
	}
}

// How late a sleep is while so many goroutines are busy.
func behind(goroutines int, busy func()) float64 {
	for i := 0; i < goroutines; i++ {
		go busy()
	}
	time.Sleep(200 * time.Millisecond)
	late := make([]float64, 500)
	for i := range late {
		start := time.Now()
		time.Sleep(time.Millisecond)
		late[i] = (time.Since(start).Seconds() - 1e-3) * 1e6
	}
	sort.Float64s(late)
	return late[len(late)/2]
}

func measure(row string) float64 {
	switch row {
	case "spawn-all":
		const n = 1000000
		return per(n, func() {
			var wg sync.WaitGroup
			wg.Add(n)
			for i := 0; i < n; i++ {
				go wg.Done()
			}
			wg.Wait()
		})
	case "spawn-join":
		const n = 1000000
		return per(n, func() {
			var wg sync.WaitGroup
			for i := 0; i < n; i++ {
				wg.Add(1)
				go wg.Done()
				wg.Wait()
			}
		})
	case "spawn-batch":
		const n = 1000000
		return per(n, func() {
			var wg sync.WaitGroup
			for i := 0; i < n/10000; i++ {
				wg.Add(10000)
				for j := 0; j < 10000; j++ {
					go wg.Done()
				}
				wg.Wait()
			}
		})
	case "ping-pong":
		return pingPong(0)
	case "ping-pong-cap-1":
		return pingPong(1)
	case "same-task":
		const n = 5000000
		c := make(chan int, 128)
		return per(n, func() {
			for i := 0; i < n; i++ {
				c <- i
				<-c
			}
		})
	case "ring-1000":
		const rounds = 1000
		start := make(chan int)
		from := start
		for i := 1; i < 1000; i++ {
			next := make(chan int)
			go func(from, to chan int) {
				for n := range from {
					to <- n
				}
			}(from, next)
			from = next
		}
		return per(rounds*1000, func() {
			for i := 0; i < rounds; i++ {
				start <- i
				<-from
			}
		})
	case "spsc":
		const n = 2000000
		c := make(chan int, 128)
		return per(n, func() {
			go func() {
				for i := 0; i < n; i++ {
					c <- i
				}
			}()
			for i := 0; i < n; i++ {
				<-c
			}
		})
	case "mpmc":
		const n = 1000000
		c := make(chan int, 128)
		return per(n, func() {
			var wg sync.WaitGroup
			for i := 0; i < 4; i++ {
				wg.Go(func() {
					for i := 0; i < n/4; i++ {
						c <- i
					}
				})
				wg.Go(func() {
					for i := 0; i < n/4; i++ {
						<-c
					}
				})
			}
			wg.Wait()
		})
	case "yield":
		const n = 5000000
		return per(n, func() {
			for i := 0; i < n; i++ {
				runtime.Gosched()
			}
		})
	case "yield-1000":
		const n = 5000000
		return per(n, func() {
			var wg sync.WaitGroup
			for i := 0; i < 1000; i++ {
				wg.Go(func() {
					for i := 0; i < n/1000; i++ {
						runtime.Gosched()
					}
				})
			}
			wg.Wait()
		})
	case "select-2":
		const n = 500000
		a, b := make(chan int), make(chan int)
		return feed([]chan int{a, b}, n, func() {
			select {
			case <-a:
			case <-b:
			}
		})
	case "select-8":
		const n = 400000
		c := make([]chan int, 8)
		for i := range c {
			c[i] = make(chan int)
		}
		return feed(c, n, func() {
			select {
			case <-c[0]:
			case <-c[1]:
			case <-c[2]:
			case <-c[3]:
			case <-c[4]:
			case <-c[5]:
			case <-c[6]:
			case <-c[7]:
			}
		})
	case "sieve":
		start := time.Now()
		c := make(chan int)
		go func(c chan<- int) {
			for i := 2; ; i++ {
				c <- i
			}
		}(c)
		for i := 0; i < 2000; i++ {
			prime := <-c
			next := make(chan int)
			go filter(c, next, prime)
			c = next
		}
		return time.Since(start).Seconds() * 1e3
	case "pool":
		const n = 500000
		jobs, done := make(chan int, 128), make(chan int, 128)
		return per(n, func() {
			for i := 0; i < 8; i++ {
				go func() {
					for j := range jobs {
						done <- j + 1
					}
				}()
			}
			go func() {
				for i := 0; i < n; i++ {
					jobs <- i
				}
				close(jobs)
			}()
			for i := 0; i < n; i++ {
				<-done
			}
		})
	case "mutex-1":
		return mutex(1)
	case "mutex-2":
		return mutex(2)
	case "mutex-8":
		return mutex(8)
	case "timers":
		const n = 100000
		before := cpu()
		var wg sync.WaitGroup
		for i := 0; i < n; i++ {
			wg.Go(func() { time.Sleep(time.Duration(1000+i*7%50000) * time.Microsecond) })
		}
		wg.Wait()
		return (cpu() - before).Seconds() * 1e6 / n
	case "tcp-echo":
		return echo()
	case "skynet":
		start := time.Now()
		skynet(0, 1000000)
		return float64(time.Since(start).Nanoseconds()) / 1e6
	case "memory":
		const n = 1000000
		before := resident()
		up, quit := make(chan bool), make(chan bool)
		for i := 0; i < n; i++ {
			go func() { up <- true; <-quit }()
			<-up
		}
		return (resident() - before) / n
	case "hogs":
		return behind(runtime.GOMAXPROCS(0), compute)
	case "hogs-8":
		return behind(8, compute)
	case "hogs-32":
		return behind(32, compute)
	case "blocked-32":
		return behind(32, func() {
			hour := syscall.NsecToTimespec(3600e9)
			syscall.Nanosleep(&hour, nil)
		})
	}
	panic("unknown row " + row)
}

func main() { fmt.Println(measure(os.Args[1])) }
