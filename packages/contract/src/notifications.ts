import { type Static, Type } from 'typebox'

import { Response, Time, Uuid } from './common.ts'
import { route } from './route.ts'

const tag = 'Notifications'

/** By which way a notification reaches its user. */
export const NotificationMethod = Type.Enum(['smtp', 'webhook', 'inbox'])
export type NotificationMethod = Static<typeof NotificationMethod>

/** A kind of notification, with the texts that it is made of. */
export const NotificationTemplate = Type.Object({
  id: Uuid,
  name: Type.String(),
  title_template: Type.String(),
  body_template: Type.String(),
  /** A JSON list of `{label, url}`. */
  actions: Type.String(),
  group: Type.String(),
  /** Empty where the deployment's default method is used. */
  method: Type.String(),
  kind: Type.Enum(['system', 'custom']),
  enabled_by_default: Type.Boolean(),
})
export type NotificationTemplate = Static<typeof NotificationTemplate>

export const UpdateNotificationTemplateMethodRequest = Type.Object({ method: Type.Optional(Type.String()) })

export const NotificationsSettings = Type.Object({ notifier_paused: Type.Boolean() })
export type NotificationsSettings = Static<typeof NotificationsSettings>

export const NotificationMethodsResponse = Type.Object({
  available: Type.Array(Type.String()),
  default: Type.String(),
  /** Those of them that have all that they need to be configured. */
  ready: Type.Array(NotificationMethod),
})
export type NotificationMethodsResponse = Static<typeof NotificationMethodsResponse>

/** What a user has chosen for a template; templates without a choice are not listed. */
export const NotificationPreference = Type.Object({
  id: Uuid,
  disabled: Type.Boolean(),
  updated_at: Time,
})
export type NotificationPreference = Static<typeof NotificationPreference>

export const UpdateUserNotificationPreferences = Type.Object({
  template_disabled_map: Type.Record(Type.String(), Type.Boolean()),
})
export type UpdateUserNotificationPreferences = Static<typeof UpdateUserNotificationPreferences>

export const CustomNotificationContent = Type.Object({
  title: Type.Optional(Type.String()),
  message: Type.Optional(Type.String()),
})

export const CustomNotificationRequest = Type.Object({ content: Type.Optional(CustomNotificationContent) })
export type CustomNotificationRequest = Static<typeof CustomNotificationRequest>

/** A link under a notification. */
export const InboxNotificationAction = Type.Object({ label: Type.String(), url: Type.String() })
export type InboxNotificationAction = Static<typeof InboxNotificationAction>

/** A notification in the dashboard. */
export const InboxNotification = Type.Object({
  id: Uuid,
  user_id: Uuid,
  template_id: Uuid,
  /** What it is about: workspaces, templates, users. */
  targets: Type.Array(Uuid),
  /** Plain text. */
  title: Type.String(),
  /** Markdown, unless plain text was asked for. */
  content: Type.String(),
  /** `DEFAULT_ICON_WORKSPACE`, `…_ACCOUNT`, `…_TEMPLATE` or `…_OTHER`, where it has none of its own. */
  icon: Type.String(),
  actions: Type.Array(InboxNotificationAction),
  read_at: Type.Union([Time, Type.Null()]),
  created_at: Time,
})
export type InboxNotification = Static<typeof InboxNotification>

export const ListInboxNotificationsResponse = Type.Object({
  notifications: Type.Array(InboxNotification),
  unread_count: Type.Integer(),
})
export type ListInboxNotificationsResponse = Static<typeof ListInboxNotificationsResponse>

/** A message of the stream of new notifications. */
export const GetInboxNotificationResponse = Type.Object({
  notification: InboxNotification,
  unread_count: Type.Integer(),
})
export type GetInboxNotificationResponse = Static<typeof GetInboxNotificationResponse>

export const UpdateInboxNotificationReadStatusRequest = Type.Object({ is_read: Type.Boolean() })

export const UpdateInboxNotificationReadStatusResponse = Type.Object({
  notification: InboxNotification,
  unread_count: Type.Integer(),
})
export type UpdateInboxNotificationReadStatusResponse = Static<
  typeof UpdateInboxNotificationReadStatusResponse
>

/** Which notifications of the inbox are meant; lists are ids with commas between them. */
const inboxFilters = {
  targets: Type.Optional(Type.String()),
  templates: Type.Optional(Type.String()),
  read_status: Type.Optional(Type.String()),
}

export const listInboxNotifications = route('GET /api/v2/notifications/inbox', {
  id: 'list-inbox-notifications',
  tag,
  query: Type.Object({ ...inboxFilters, starting_before: Type.Optional(Uuid) }),
  responses: { 200: ListInboxNotificationsResponse },
})

export const watchInboxNotifications = route('GET /api/v2/notifications/inbox/watch', {
  id: 'watch-for-new-inbox-notifications',
  tag,
  query: Type.Object({ ...inboxFilters, format: Type.Optional(Type.Enum(['plaintext', 'markdown'])) }),
  responses: { 101: null, 200: GetInboxNotificationResponse },
  stream: 'websocket',
})

export const updateInboxNotificationReadStatus = route('PUT /api/v2/notifications/inbox/{id}/read-status', {
  id: 'update-read-status-of-a-notification',
  tag,
  body: UpdateInboxNotificationReadStatusRequest,
  responses: { 200: UpdateInboxNotificationReadStatusResponse },
})

export const markAllInboxNotificationsAsRead = route('PUT /api/v2/notifications/inbox/mark-all-as-read', {
  id: 'mark-all-unread-notifications-as-read',
  tag,
  responses: { 204: null },
})

export const getNotificationsSettings = route('GET /api/v2/notifications/settings', {
  id: 'get-notifications-settings',
  tag,
  responses: { 200: NotificationsSettings },
})

export const putNotificationsSettings = route('PUT /api/v2/notifications/settings', {
  id: 'update-notifications-settings',
  tag,
  body: NotificationsSettings,
  responses: { 200: NotificationsSettings, 304: null },
})

export const listSystemNotificationTemplates = route('GET /api/v2/notifications/templates/system', {
  id: 'get-system-notification-templates',
  tag,
  responses: { 200: Type.Array(NotificationTemplate) },
})

export const listCustomNotificationTemplates = route('GET /api/v2/notifications/templates/custom', {
  id: 'get-custom-notification-templates',
  tag,
  responses: { 200: Type.Array(NotificationTemplate) },
})

export const updateNotificationTemplateMethod = route(
  'PUT /api/v2/notifications/templates/{notification_template}/method',
  {
    id: 'update-notification-template-dispatch-method',
    tag,
    body: UpdateNotificationTemplateMethodRequest,
    responses: { 200: Response, 304: null },
  },
)

export const getNotificationDispatchMethods = route('GET /api/v2/notifications/dispatch-methods', {
  id: 'get-notification-dispatch-methods',
  tag,
  responses: { 200: NotificationMethodsResponse },
})

export const sendTestNotification = route('POST /api/v2/notifications/test', {
  id: 'send-a-test-notification',
  tag,
  responses: { 204: null },
})

export const sendCustomNotification = route('POST /api/v2/notifications/custom', {
  id: 'send-a-custom-notification',
  tag,
  body: CustomNotificationRequest,
  responses: { 204: null },
})

export const getUserNotificationPreferences = route('GET /api/v2/users/{user}/notifications/preferences', {
  id: 'get-user-notification-preferences',
  tag,
  responses: { 200: Type.Array(NotificationPreference) },
})

export const putUserNotificationPreferences = route('PUT /api/v2/users/{user}/notifications/preferences', {
  id: 'update-user-notification-preferences',
  tag,
  body: UpdateUserNotificationPreferences,
  responses: { 200: Type.Array(NotificationPreference) },
})
