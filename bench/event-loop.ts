// Loaded into a server with `--import`: writes how late its timers are, in milliseconds, into the file of EVENT_LOOP_FILE.
import { appendFileSync } from 'node:fs'

const EVERY_MS = 10
const WRITE_MS = 1_000

const file = process.env.EVENT_LOOP_FILE
if (file !== undefined) {
  let late: string[] = []
  let last = performance.now()
  setInterval(() => {
    const now = performance.now()
    late.push(Math.max(0, now - last - EVERY_MS).toFixed(2))
    last = now
  }, EVERY_MS).unref()
  setInterval(() => {
    appendFileSync(file, `${late.join('\n')}\n`)
    late = []
  }, WRITE_MS).unref()
}
