import { useEffect, useState } from 'react'

const EVERY_MS = 10_000

/** Milliseconds to the server and back, measured now and then while the tab is in front; undefined when it does not answer. */
export function useLatency(): number | undefined {
  const [latency, setLatency] = useState<number>()
  useEffect(() => {
    const controller = new AbortController()
    const measure = async () => {
      if (document.hidden) return
      const start = performance.now()
      try {
        const response = await fetch('/latency-check', { cache: 'no-store', signal: controller.signal })
        await response.arrayBuffer()
        setLatency(response.ok ? performance.now() - start : undefined)
      } catch {
        if (!controller.signal.aborted) setLatency(undefined)
      }
    }
    void measure()
    const timer = setInterval(() => void measure(), EVERY_MS)
    return () => {
      clearInterval(timer)
      controller.abort()
    }
  }, [])
  return latency
}
