import { setTimeout as delay } from 'node:timers/promises'

import type { TaskReports } from './task-reports.ts'

const FIRST_WAIT_MS = 1_000
const LONGEST_WAIT_MS = 30_000
/** A line or an event that is longer is none of ours. */
const MAX_EVENT_CHARACTERS = 1024 * 1024

/** How long to wait before the next attempt, after so many failures in a row (OA-98). */
export function reconnectWaitMs(failures: number): number {
  return Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.max(0, failures - 1))
}

/**
 * Watches the screen of an assistant by its AgentAPI: that it works, that it waits, and what its user has written
 * (OA-98). Connects again when it is cut off.
 *
 * @param url base of the AgentAPI.
 * @param onFailure hears why a connection has ended.
 */
export async function watchScreen(
  url: string,
  reports: TaskReports,
  signal: AbortSignal,
  onFailure: (reason: string) => void,
): Promise<void> {
  for (let failures = 0; !signal.aborted; ) {
    try {
      const response = await fetch(`${url.replace(/\/+$/, '')}/events`, {
        headers: { Accept: 'text/event-stream' },
        signal,
      })
      if (!response.ok || response.body === null) throw new Error(`it answers ${response.status}`)
      for await (const event of eventsOf(response.body)) {
        failures = 0
        take(event, reports)
      }
      throw new Error('it has ended the stream')
    } catch (error) {
      if (signal.aborted) return
      failures += 1
      onFailure(error instanceof Error ? error.message : String(error))
      await delay(reconnectWaitMs(failures), undefined, { signal }).catch(() => undefined)
    }
  }
}

interface StreamEvent {
  readonly name: string
  readonly data: string
}

/** Events of a stream (HTML Living Standard, server-sent events). @throws Error for one without end. */
async function* eventsOf(body: ReadableStream<Uint8Array>): AsyncGenerator<StreamEvent> {
  let rest = ''
  let name = ''
  let data: string[] = []
  for await (const text of body.pipeThrough(new TextDecoderStream())) {
    const lines = `${rest}${text}`.split(/\r\n|\n|\r(?!$)/)
    rest = lines.pop() ?? ''
    for (const line of lines) {
      if (line === '') {
        if (data.length > 0) yield { name, data: data.join('\n') }
        ;[name, data] = ['', []]
      } else if (line.startsWith('event:')) name = line.slice(6).trim()
      else if (line.startsWith('data:')) data.push(line.slice(5).replace(/^ /, ''))
    }
    if (rest.length + data.reduce((sum, one) => sum + one.length, 0) > MAX_EVENT_CHARACTERS)
      throw new Error('it sends an event without end')
  }
}

function take({ name, data }: StreamEvent, reports: TaskReports): void {
  const event = objectIn(data)
  const nothing = { summary: '', link: '', isSelfReported: false }
  if (name === 'status_change') {
    const state = event.status === 'stable' ? 'idle' : event.status === 'running' ? 'working' : ''
    reports.add({ ...nothing, state })
  }
  if (name === 'message_update' && event.role === 'user' && Number.isSafeInteger(event.id))
    reports.add({ ...nothing, state: 'working', messageId: Number(event.id) })
}

function objectIn(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? { ...value } : {}
  } catch {
    return {}
  }
}
