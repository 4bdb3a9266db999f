import type { CustomNotificationRequest } from '@slipway/contract'
import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { forbidden, type Validation, validationFailed } from '../errors/index.ts'
import { enqueueNotification } from './enqueue.ts'
import { TEMPLATES } from './template-ids.ts'

const MAX_TITLE_BYTES = 120
const MAX_MESSAGE_BYTES = 2_000
const MINUTE_MS = 60_000

const notifier = systemActor('notifier', 'a user sends themselves a notification')

/**
 * Sends a user what they have written to themselves, the same at most once a minute (OP-132, OP-138).
 *
 * @throws ApiError 400 for a text that is blank or too long, 403 for system users.
 */
export async function sendCustom(
  context: AppContext,
  user: { readonly id: string; readonly is_system: boolean },
  { content = {} }: CustomNotificationRequest,
): Promise<void> {
  if (user.is_system) throw forbidden()
  const title = content.title ?? ''
  const message = content.message ?? ''
  const faults = [
    ...textFaults('content.title', title, MAX_TITLE_BYTES),
    ...textFaults('content.message', message, MAX_MESSAGE_BYTES),
  ]
  if (faults.length > 0) throw validationFailed(faults)
  const minute = Math.floor(context.clock.now().getTime() / MINUTE_MS) * MINUTE_MS
  await enqueueNotification(context, notifier, {
    templateId: TEMPLATES.custom,
    userId: user.id,
    labels: { custom_title: title, custom_message: message },
    data: { timestamp: new Date(minute).toISOString() },
    targets: [user.id],
  })
}

function textFaults(field: string, text: string, maxBytes: number): Validation[] {
  if (text.trim() === '') return [{ field, detail: 'must not be blank' }]
  if (Buffer.byteLength(text) > maxBytes) return [{ field, detail: `must be at most ${maxBytes} bytes` }]
  return []
}
