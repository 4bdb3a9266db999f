import type { AgentRow } from './store/agents.ts'

/** What choosing among agents looks at. */
export type AgentCandidate = Pick<
  AgentRow,
  'id' | 'name' | 'parent_id' | 'display_order' | 'status' | 'lifecycle_state'
>

/** The agent that programs work in, and why it is that one (B-14); or why there is none. */
export type AgentChoice<Candidate extends AgentCandidate> =
  | { readonly agent: Candidate; readonly reason: 'only' | 'designated' | 'ready' | 'first' }
  | { readonly agent: undefined; readonly reason: 'none' }
  | { readonly agent: undefined; readonly reason: 'ambiguous'; readonly names: readonly string[] }

/** Ending of the name by which a template says that an agent is the one for programs. */
const DESIGNATED = '-coderd-chat'

/**
 * The agent of a workspace for whoever must choose one (CH-1201): the one that the template designates, else one that is
 * connected and ready before others (B-14), else the first by order and name. Agents inside other agents do not count.
 */
export function chooseAgent<Candidate extends AgentCandidate>(
  agents: readonly Candidate[],
): AgentChoice<Candidate> {
  const roots = agents.filter(({ parent_id }) => parent_id === null).sort(byOrder)
  const [first, ...others] = roots
  if (first === undefined) return { agent: undefined, reason: 'none' }
  const designated = roots.filter(({ name }) => name.toLowerCase().endsWith(DESIGNATED))
  const [one, another] = designated
  if (another !== undefined)
    return { agent: undefined, reason: 'ambiguous', names: designated.map(({ name }) => name) }
  if (one !== undefined) return { agent: one, reason: 'designated' }
  if (others.length === 0) return { agent: first, reason: 'only' }
  const ready = roots.find(isReady)
  if (ready !== undefined && ready !== first) return { agent: ready, reason: 'ready' }
  return { agent: first, reason: 'first' }
}

function isReady({ status, lifecycle_state }: AgentCandidate): boolean {
  return status === 'connected' && lifecycle_state === 'ready'
}

function byOrder(a: AgentCandidate, b: AgentCandidate): number {
  return (
    a.display_order - b.display_order ||
    compare(a.name.toLowerCase(), b.name.toLowerCase()) ||
    compare(a.name, b.name) ||
    compare(a.id, b.id)
  )
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
