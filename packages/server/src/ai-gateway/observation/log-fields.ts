import type { NewInterception } from '../store/interceptions.ts'

/** What lines of the log say of a request. */
export type LogFields = Readonly<Record<string, unknown>>

/** What lines of the log say of a request, which is nothing of what was asked, nor a key (AG-122). */
export function logFields(
  { id, credentialKind, credentialHint, providerName, model }: NewInterception,
  asked: {
    readonly route: string
    readonly userAgent: string
    readonly streaming: boolean
    /** Of the key that was used last. */
    readonly hint?: string | undefined
  },
): LogFields {
  return {
    interception_id: id,
    credential_kind: credentialKind,
    credential_hint: asked.hint ?? credentialHint,
    provider: providerName,
    route: asked.route,
    model,
    user_agent: asked.userAgent,
    streaming: asked.streaming,
  }
}
