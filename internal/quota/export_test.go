package quota

// Kill ends what a process does for its budgets, as if it had been killed: nothing is given back.
func (q *Quota) Kill() {
	for _, b := range q.budgets {
		b.mu.Lock()
		b.closed = true
		if b.beating != nil {
			close(b.beating)
			b.beating = nil
		}
		b.mu.Unlock()
	}
}
