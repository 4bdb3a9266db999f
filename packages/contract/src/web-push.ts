import { type Static, Type } from 'typebox'

import { route } from './route.ts'

const tag = 'Notifications'

/** A browser that takes messages while nobody has it open, as its `PushSubscription` describes it (W3C Push API). */
export const WebpushSubscription = Type.Object({
  endpoint: Type.String({ minLength: 1, maxLength: 2048 }),
  auth_key: Type.String({ minLength: 1, maxLength: 128 }),
  p256dh_key: Type.String({ minLength: 1, maxLength: 256 }),
})
export type WebpushSubscription = Static<typeof WebpushSubscription>

export const DeleteWebpushSubscription = Type.Object({
  endpoint: Type.String({ minLength: 1, maxLength: 2048 }),
})
export type DeleteWebpushSubscription = Static<typeof DeleteWebpushSubscription>

export const createWebpushSubscription = route('POST /api/v2/users/{user}/webpush/subscription', {
  id: 'create-user-webpush-subscription',
  tag,
  body: WebpushSubscription,
  responses: { 204: null },
})

export const deleteWebpushSubscription = route('DELETE /api/v2/users/{user}/webpush/subscription', {
  id: 'delete-user-webpush-subscription',
  tag,
  body: DeleteWebpushSubscription,
  responses: { 204: null },
})

export const testWebpush = route('POST /api/v2/users/{user}/webpush/test', {
  id: 'send-a-test-push-notification',
  tag,
  responses: { 204: null },
})
