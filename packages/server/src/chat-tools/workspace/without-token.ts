import type { AgentAnswer } from '@slipway/mcp-tools'
import { hashAgentToken } from '../../resources/index.ts'

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g
/** As long as a token: lengths and places in the text stay. */
const REMOVED = '[token of the agent]'.padEnd(36, '*')

/**
 * An answer of an agent without the agent's own token, which is in the environment of all that runs there (AC-112): what
 * models are told goes to their provider, and to whoever the chat is shared with. It keeps a token from being printed,
 * not from being smuggled out by who can run commands.
 */
export function withoutToken(answer: AgentAnswer, tokenHash: Buffer): AgentAnswer {
  const text = answer.bytes.toString('latin1')
  const plain = text.replaceAll(UUID, (uuid) => (hashAgentToken(uuid).equals(tokenHash) ? REMOVED : uuid))
  return plain === text ? answer : { ...answer, bytes: Buffer.from(plain, 'latin1') }
}
