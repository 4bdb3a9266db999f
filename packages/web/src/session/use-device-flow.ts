import { useEffect, useRef, useState } from 'react'

import { describeError, statusOf } from '../api/errors.ts'
import { NetworkError } from '../api/http.ts'

/** Codes of a device flow (RFC 8628 §3.2); times in seconds. */
interface DeviceCodes {
  readonly device_code: string
  readonly user_code: string
  readonly verification_uri: string
  readonly expires_in: number
  readonly interval: number
}

/** Where a device flow stands. */
export type DeviceFlow =
  | { readonly state: 'starting' }
  | { readonly state: 'waiting'; readonly codes: DeviceCodes; readonly expiresAt: number }
  | { readonly state: 'done' }
  | { readonly state: 'expired' | 'denied' }
  | { readonly state: 'failed'; readonly error: unknown }

type Outcome = 'pending' | 'slow_down' | 'expired' | 'denied' | 'failed'

/** What a refused question after the token means (RFC 8628 §3.5). A server that is away for a moment ends nothing. */
export function deviceOutcome(error: unknown): Outcome {
  const { detail = '', message } = describeError(error)
  const text = `${message} ${detail}`
  if (/\bauthorization_pending\b/.test(text)) return 'pending'
  if (/\bslow_down\b/.test(text)) return 'slow_down'
  if (/\bexpired_token\b/.test(text)) return 'expired'
  if (/\baccess_denied\b/.test(text)) return 'denied'
  const status = statusOf(error)
  const away = error instanceof NetworkError || status === 429 || [502, 503, 504].includes(status ?? 0)
  return away ? 'slow_down' : 'failed'
}

/**
 * Runs a device flow: gets the codes, asks at the server's interval whether they were entered, twice as seldom after
 * each "slow down", and ends with the codes (UI-604).
 */
export function useDeviceFlow({
  start,
  poll,
  onDone,
}: {
  readonly start: (signal: AbortSignal) => Promise<DeviceCodes>
  readonly poll: (deviceCode: string, signal: AbortSignal) => Promise<unknown>
  readonly onDone: (answer: unknown) => void
}): { readonly flow: DeviceFlow; readonly restart: () => void } {
  const [flow, setFlow] = useState<DeviceFlow>({ state: 'starting' })
  const [round, setRound] = useState(0)
  const parts = useRef({ start, poll, onDone })
  useEffect(() => {
    parts.current = { start, poll, onDone }
  })
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new round begins anew
  useEffect(() => {
    const stop = new AbortController()
    const run = async () => {
      const codes = await parts.current.start(stop.signal)
      const expiresAt = Date.now() + codes.expires_in * 1000
      setFlow({ state: 'waiting', codes, expiresAt })
      let wait = Math.max(1, codes.interval) * 1000
      while (Date.now() < expiresAt) {
        await sleep(wait, stop.signal)
        try {
          const answer = await parts.current.poll(codes.device_code, stop.signal)
          setFlow({ state: 'done' })
          parts.current.onDone(answer)
          return
        } catch (error) {
          if (stop.signal.aborted) return
          const outcome = deviceOutcome(error)
          if (outcome === 'slow_down') wait *= 2
          else if (outcome === 'failed') throw error
          else if (outcome !== 'pending') {
            setFlow({ state: outcome })
            return
          }
        }
      }
      setFlow({ state: 'expired' })
    }
    run().catch((error: unknown) => {
      if (!stop.signal.aborted) setFlow({ state: 'failed', error })
    })
    return () => stop.abort(new Error('the page is gone'))
  }, [round])
  return {
    flow,
    restart: () => {
      setFlow({ state: 'starting' })
      setRound(round + 1)
    },
  }
}

function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, milliseconds)
    signal.addEventListener('abort', () => {
      clearTimeout(timer)
      reject(signal.reason)
    })
  })
}
