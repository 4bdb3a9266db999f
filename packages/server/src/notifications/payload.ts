import { type Static, Type } from 'typebox'
import { Value } from 'typebox/value'

import { InboxNotificationAction } from '@slipway/contract'

/** Version of the stored form. */
export const PAYLOAD_VERSION = '1.2'

/** What a message is rendered from; stored as JSON, and sent to webhooks as it is (OP-130). */
export const Payload = Type.Object({
  _version: Type.String(),
  notification_name: Type.String(),
  notification_template_id: Type.String(),
  user_id: Type.String(),
  user_email: Type.String(),
  /** The username where the user has given no name. */
  user_name: Type.String(),
  user_username: Type.String(),
  actions: Type.Array(InboxNotificationAction),
  labels: Type.Record(Type.String(), Type.String()),
  data: Type.Unknown(),
  targets: Type.Array(Type.String()),
})
export type Payload = Static<typeof Payload>

/** A stored payload. @throws Error for one that this release cannot read. */
export function parsePayload(stored: unknown): Payload {
  return Value.Parse(Payload, stored)
}
