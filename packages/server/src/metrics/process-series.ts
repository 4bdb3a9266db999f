import { readdir, readFile } from 'node:fs/promises'

import { Counter, Gauge, type Registry } from 'prom-client'

/** Only Linux tells these; elsewhere there is no such series. */
const OPEN_FILES = '/proc/self/fd'
const LIMITS = '/proc/self/limits'

/** Adds to the metrics what this process uses (OP-84). */
export function describeProcess(registry: Registry): void {
  const registers = [registry]
  const gauge = (name: string, help: string, read: () => number | Promise<number | undefined>): void => {
    new Gauge({
      name,
      help,
      registers,
      async collect() {
        const value = await read()
        if (value === undefined) this.remove()
        else this.set(value)
      },
    })
  }
  new Counter({
    name: 'process_cpu_seconds_total',
    help: 'Processor time of this process, of itself and of the system for it.',
    registers,
    collect() {
      const { user, system } = process.cpuUsage()
      this.reset()
      this.inc((user + system) / 1_000_000)
    },
  })
  const startedAt = Date.now() / 1_000 - process.uptime()
  gauge('process_start_time_seconds', 'When this process began, as Unix time.', () => startedAt)
  gauge('process_resident_memory_bytes', 'Memory of this process.', () => process.memoryUsage.rss())
  gauge('process_open_fds', 'Files and connections that are open.', () =>
    readdir(OPEN_FILES).then(
      ({ length }) => length,
      () => undefined,
    ),
  )
  gauge('process_max_fds', 'Files and connections that may be open.', () =>
    readFile(LIMITS, 'utf8').then(
      (text) => Number(/^Max open files +(\d+)/m.exec(text)?.[1] ?? Number.POSITIVE_INFINITY),
      () => undefined,
    ),
  )
  gauge(
    'nodejs_heap_size_total_bytes',
    'Memory that the heap has taken.',
    () => process.memoryUsage().heapTotal,
  )
  gauge('nodejs_heap_size_used_bytes', 'Memory of what is on the heap.', () => process.memoryUsage().heapUsed)
  gauge(
    'nodejs_external_memory_bytes',
    'Memory of buffers beside the heap.',
    () => process.memoryUsage().external,
  )
}
