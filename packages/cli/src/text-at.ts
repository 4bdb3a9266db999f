import { ApiFailure } from '@slipway/client'
import type { Connection } from './connection.ts'

const TIMEOUT_MS = 120_000

/** The text of a file that the server makes. @throws ApiFailure when the server refuses. */
export async function textAt(client: Connection, address: string): Promise<string> {
  const response = await client.transport.fetch(address, {
    method: 'GET',
    headers: { ...client.headers },
    signal: AbortSignal.timeout(TIMEOUT_MS),
  })
  const text = await response.text()
  if (response.ok) return text
  let refusal: unknown
  try {
    refusal = JSON.parse(text)
  } catch {
    refusal = undefined
  }
  throw new ApiFailure(response.status, refusal)
}
