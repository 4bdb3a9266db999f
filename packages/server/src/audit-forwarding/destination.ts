import type { ForwardedRow } from './store.ts'

/** Somewhere that keeps the audit log too. */
export interface Destination {
  /** Label in metrics and logs. */
  readonly kind: 'http' | 'syslog'
  /** Under which its place is kept: its address, without what is secret in it. */
  readonly name: string
  /**
   * Hands entries over, in their order. Settles when the destination has taken all of them.
   *
   * @throws Error otherwise, also when only some were taken: they are sent again.
   */
  send(entries: readonly ForwardedRow[], signal: AbortSignal): Promise<void>
}

/** An entry as destinations get it: all of it, and its place in the chain, by which what comes twice is told. */
export function forwarded(row: ForwardedRow): Readonly<Record<string, unknown>> {
  return {
    sequence: row.sequence,
    hash: row.hash.toString('hex'),
    id: row.id,
    time: row.time.toISOString(),
    action: row.action,
    status_code: row.status_code,
    resource_type: row.resource_type,
    resource_id: row.resource_id,
    resource_target: row.resource_target,
    organization_id: row.organization_id,
    user_id: row.user_id,
    username: row.username,
    email: row.email,
    ip: row.ip,
    user_agent: row.user_agent,
    request_id: row.request_id,
    diff: row.diff,
    additional_fields: row.additional_fields,
  }
}
