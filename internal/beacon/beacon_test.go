package beacon_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/sallyport-io/sallyport/internal/beacon"
)

const port = 65001

func TestMain(m *testing.M) {
	if os.Getenv("LIGHT_BEACON") != "" { // as the child of a test
		if _, err := beacon.Light(beacon.Sandbox, port); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println("lit")
		select {}
	}
	os.Exit(m.Run())
}

func TestBeacon(t *testing.T) {
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	if beacon.Lit(beacon.Sandbox, port) {
		t.Fatal("it is lit before anybody lit it")
	}
	putOut, err := beacon.Light(beacon.Sandbox, port)
	if err != nil {
		t.Fatal(err)
	}
	if !beacon.Lit(beacon.Sandbox, port) || beacon.Lit(beacon.Server, port) || beacon.Lit(beacon.Sandbox, port+1) {
		t.Error("another beacon is lit than the one that was")
	}
	t.Setenv("XDG_RUNTIME_DIR", "")
	if beacon.Lit(beacon.Sandbox, port) {
		t.Error("it is seen in another directory")
	}
	putOut()
}

// TestBeaconEndsWithItsProcess kills a process that cannot put its beacon out.
func TestBeaconEndsWithItsProcess(t *testing.T) {
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), "LIGHT_BEACON=1")
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	var said string
	fmt.Fscanln(out, &said)
	if said != "lit" || !beacon.Lit(beacon.Sandbox, port) {
		t.Fatalf("it said %q, and its beacon is not lit", said)
	}
	child.Process.Kill()
	child.Wait()
	if beacon.Lit(beacon.Sandbox, port) {
		t.Error("the beacon of a process that was killed is still lit")
	}
}

// TestForeignDirectoryIsNotTrusted lets others into the directory, or puts something else there.
func TestForeignDirectoryIsNotTrusted(t *testing.T) {
	for name, spoil := range map[string]func(dir string) error{
		"open to others": func(dir string) error { return os.Chmod(dir, 0o770) },
		"a link": func(dir string) error {
			return os.Rename(dir, dir+"2")
		},
	} {
		t.Run(name, func(t *testing.T) {
			runtime := t.TempDir()
			t.Setenv("XDG_RUNTIME_DIR", runtime)
			putOut, err := beacon.Light(beacon.Sandbox, port)
			if err != nil {
				t.Fatal(err)
			}
			defer putOut()
			dir := filepath.Join(runtime, "sallyport")
			if err := spoil(dir); err != nil {
				t.Fatal(err)
			}
			if name == "a link" {
				if err := os.Symlink(dir+"2", dir); err != nil {
					t.Fatal(err)
				}
			}
			if beacon.Lit(beacon.Sandbox, port) {
				t.Error("it counts")
			}
		})
	}
}

func TestLooksDoNotKeepABeaconFromBeingLit(t *testing.T) {
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	var looking sync.WaitGroup
	stop := make(chan struct{})
	for range 4 {
		looking.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					beacon.Lit(beacon.Sandbox, port)
				}
			}
		})
	}
	for range 20 {
		putOut, err := beacon.Light(beacon.Sandbox, port)
		if err != nil {
			t.Error(err)
			break
		}
		putOut()
	}
	close(stop)
	looking.Wait()
}
