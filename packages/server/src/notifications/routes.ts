import * as contract from '@slipway/contract'
import { recordChange } from '../audit/index.ts'
import { type Actor, authorize, systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { type BoundRoute, forSession, type SessionRequest } from '../edge/index.ts'
import { badRequest, notFound, validationFailed } from '../errors/index.ts'
import { getUser, userIdOf } from '../identity/index.ts'
import { isUuid } from '../search/index.ts'
import { CATALOG, type Template, templateOf } from './catalog/index.ts'
import { enqueueNotification, isReady } from './enqueue.ts'
import { inboxFilter, presentInbox, requireKnownParameters } from './inbox.ts'
import { choicesOf, presentPreference } from './preferences.ts'
import { presentTemplate } from './present-template.ts'
import { sendCustom } from './send-custom.ts'
import * as inbox from './store/inbox.ts'
import type { Method } from './store/messages.ts'
import { listPreferences, storePreferences } from './store/preferences.ts'
import { getPaused, storePaused } from './store/settings.ts'
import { holdTemplateMethod, listTemplateMethods, storeTemplateMethod } from './store/templates.ts'
import { TEMPLATES } from './template-ids.ts'
import { NewNotifications, watchInbox } from './watch-inbox.ts'

/** Messages that a user may send to themselves. */
const CUSTOM_PER_MINUTE = 30
const METHODS: readonly Method[] = ['smtp', 'webhook', 'inbox']
const FILTERS = ['targets', 'templates', 'read_status']
/** What authentication may put into the query. */
const CREDENTIALS = ['coder_session_token']

const anybody = systemActor('notifier', 'whoever is signed in may know whether notifications are paused')
const tester = systemActor('notifier', 'an administrator tries whether notifications arrive')

/** What users are told: their inbox, what they want to hear of, and how it is sent. */
export function notificationRoutes(context: AppContext): BoundRoute[] {
  return [...inboxRoutes(context), ...deploymentRoutes(context), ...preferenceRoutes(context)]
}

function inboxRoutes(context: AppContext): BoundRoute[] {
  const { clock, database } = context
  const { db } = database
  return [
    forSession(contract.listInboxNotifications, async ({ actor, query, raw }) => {
      requireKnownParameters(raw.query, [...FILTERS, 'starting_before', ...CREDENTIALS])
      const rows = await inbox.listInbox(actor, db, actor.id, inboxFilter(query), query.starting_before)
      return {
        notifications: await Promise.all(rows.map((row) => presentInbox(row))),
        unread_count: await inbox.countUnread(actor, db, actor.id),
      }
    }),
    forSession(contract.watchInboxNotifications, async ({ actor, query, raw, upgrade }) => {
      requireKnownParameters(raw.query, [...FILTERS, 'format', ...CREDENTIALS])
      const filter = inboxFilter(query)
      authorize(actor, 'read', { type: 'inbox_notification', owner: actor.id })
      // Before the client knows that it watches.
      using fresh = new NewNotifications(context, actor.id)
      await watchInbox(context, actor, await upgrade(), fresh, { filter, format: query.format ?? 'markdown' })
      return undefined
    }),
    forSession(contract.updateInboxNotificationReadStatus, async ({ actor, params, body }) => {
      const id = params.id ?? ''
      if (!isUuid(id)) throw badRequest('Invalid notification id.', uuidFault('id'))
      const row = await inbox.setInboxReadAt(actor, db, id, body.is_read ? clock.now() : null)
      return {
        notification: await presentInbox(row),
        unread_count: await inbox.countUnread(actor, db, actor.id),
      }
    }),
    forSession(contract.markAllInboxNotificationsAsRead, async ({ actor }) => {
      await inbox.markAllRead(actor, db, actor.id, clock.now())
      return undefined
    }),
  ]
}

function deploymentRoutes(context: AppContext): BoundRoute[] {
  const { clock, config, database } = context
  const { db } = database
  const templates = async (
    actor: Actor,
    kind: Template['kind'],
  ): Promise<contract.NotificationTemplate[]> => {
    const methods = await listTemplateMethods(actor, db)
    return CATALOG.filter((template) => template.kind === kind).map((template) =>
      presentTemplate(template, methods.get(template.id)),
    )
  }
  return [
    forSession(contract.getNotificationsSettings, async () => ({
      notifier_paused: await getPaused(anybody, db),
    })),
    forSession(contract.putNotificationsSettings, async (incoming) => {
      const { actor, body, reply } = incoming
      authorize(actor, 'update', { type: 'deployment_config' })
      const paused = await getPaused(anybody, db)
      if (paused === body.notifier_paused) {
        reply.code(304)
        return undefined
      }
      await storePaused(actor, db, body.notifier_paused)
      await recordChange(
        context,
        incoming,
        { type: 'notifications_settings', action: 'write' },
        { before: { notifier_paused: paused }, after: body },
      )
      return body
    }),
    forSession(contract.listSystemNotificationTemplates, ({ actor }) => templates(actor, 'system')),
    forSession(contract.listCustomNotificationTemplates, ({ actor }) => templates(actor, 'custom')),
    forSession(contract.updateNotificationTemplateMethod, async (incoming) => {
      const { params, body, reply } = incoming
      const id = params.notification_template ?? ''
      if (!isUuid(id))
        throw badRequest('Invalid notification template id.', uuidFault('notification_template'))
      const changed = await changeMethod(context, incoming, id, body.method ?? '')
      if (changed) return { message: 'Successfully updated notification template method.' }
      reply.code(304)
      return undefined
    }),
    forSession(contract.getNotificationDispatchMethods, async () => ({
      available: ['smtp', 'webhook'],
      default: config.notificationsMethod,
      ready: METHODS.filter((method) => isReady(config, method)),
    })),
    forSession(contract.sendTestNotification, async ({ actor }) => {
      authorize(actor, 'update', { type: 'deployment_config' })
      await enqueueNotification(context, tester, {
        templateId: TEMPLATES.troubleshooting,
        userId: actor.id,
        labels: {},
        // Each test is another message (OP-132).
        data: { timestamp: clock.now().toISOString() },
      })
      return undefined
    }),
    forSession(
      contract.sendCustomNotification,
      async ({ actor, body }) => {
        await sendCustom(context, await getUser(actor, db, actor.id), body)
        return undefined
      },
      // Each other text is another message, which others would wait behind.
      { perMinute: CUSTOM_PER_MINUTE },
    ),
  ]
}

/** @returns whether it was another one before. @throws ApiError 404, 400, 403. */
async function changeMethod(
  context: AppContext,
  incoming: SessionRequest,
  id: string,
  method: string,
): Promise<boolean> {
  const { actor } = incoming
  const template = templateOf(id)
  authorize(actor, 'update', { type: 'notification_template' })
  if (template === undefined) throw notFound()
  // Empty goes back to the default one.
  const chosen = METHODS.find((one) => one === method)
  if (chosen === undefined && method !== '')
    throw validationFailed([
      { field: 'method', detail: `${JSON.stringify(method.slice(0, 64))} is not smtp, webhook or inbox` },
    ])
  // ID-35: a passcode is stored nowhere in the clear and goes to no program of others.
  if (!template.inbox && chosen !== undefined && chosen !== 'smtp')
    throw validationFailed([{ field: 'method', detail: 'this kind is always sent by mail' }])
  const before = await context.database.transaction(async (tx) => {
    const held = await holdTemplateMethod(actor, tx, template.id)
    if (held !== chosen) await storeTemplateMethod(actor, tx, template.id, chosen)
    return held
  })
  if (before === chosen) return false
  await recordChange(
    context,
    incoming,
    { type: 'notification_template', action: 'write' },
    { before: presentTemplate(template, before), after: presentTemplate(template, chosen) },
  )
  return true
}

function preferenceRoutes(context: AppContext): BoundRoute[] {
  const { db } = context.database
  return [
    forSession(contract.getUserNotificationPreferences, async ({ actor, params }) =>
      (await listPreferences(actor, db, await userIdOf(actor, db, params.user))).map(presentPreference),
    ),
    forSession(contract.putUserNotificationPreferences, async ({ actor, params, body }) => {
      const owner = await userIdOf(actor, db, params.user)
      await storePreferences(actor, db, owner, choicesOf(body))
      return (await listPreferences(actor, db, owner)).map(presentPreference)
    }),
  ]
}

function uuidFault(field: string) {
  return { validations: [{ field, detail: 'must be a UUID' }] }
}
