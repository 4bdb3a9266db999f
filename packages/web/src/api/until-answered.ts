import { connection, isLost } from './client.ts'
import { forgetRequestKey, requestKey } from './request-key.ts'

const ATTEMPTS = 5

/**
 * Sends a request until there is an answer: one that gets lost is sent again, with the same idempotency key, once the
 * server can be reached, so that nothing is lost and nothing done twice (UI-2102, UI-2106, B-13). The same request sent
 * later, after a reload too, still has the key.
 *
 * @param what tells requests apart that may be on their way at the same time.
 * @throws ApiFailure when the server refuses, NetworkError when there is no answer however often it is asked.
 */
export async function untilAnswered<Answer>(
  what: string,
  body: unknown,
  send: (key: string) => Promise<Answer>,
): Promise<Answer> {
  const text = JSON.stringify(body)
  for (let attempt = 1; ; attempt++) {
    try {
      const answer = await send(requestKey(what, text))
      forgetRequestKey(what, text)
      return answer
    } catch (error) {
      if (!isLost(error) || attempt === ATTEMPTS) throw error
      await connection.reachable()
    }
  }
}
