import { createHash } from 'node:crypto'

import { describeError } from '@slipway/request-log'
import type { Actor } from '../authz/index.ts'
import type { Config } from '../config/index.ts'
import type { AppContext } from '../context.ts'
import { type Template, type TemplateAction, templateOf } from './catalog/index.ts'
import { PAYLOAD_VERSION, type Payload } from './payload.ts'
import { render } from './render.ts'
import {
  type Audience,
  findRecipients,
  insertMessages,
  MAX_RECIPIENTS,
  type Method,
  type Recipient,
} from './store/messages.ts'
import type { TemplateId } from './template-ids.ts'

/** Roles of the deployment that administer accounts (OP-141). */
const ACCOUNT_ADMINS = ['owner', 'user-admin']
/** Roles that administer templates, and with them workspaces. */
const TEMPLATE_ADMINS = ['owner', 'template-admin']
/** Objects that a notification is about, at most. */
const MAX_TARGETS = 256

/** What is to be told. */
export interface Announcement {
  readonly templateId: TemplateId
  /** What its texts name. */
  readonly labels: Readonly<Record<string, string>>
  /** What its texts name beyond that, such as lists; JSON. */
  readonly data?: Readonly<Record<string, unknown>>
  /** Ids of what it is about. */
  readonly targets?: readonly string[]
  /** Links beside those of the template. */
  readonly actions?: readonly TemplateAction[]
}

type EnqueueContext = Pick<AppContext, 'config' | 'database' | 'clock' | 'log' | 'accessUrl' | 'appearance'>

/**
 * Tells one user something: queues a message by each way that is on (OP-130). Does nothing when the user does not want
 * it, is gone, or was told the same today. A failure is logged and fails nobody's request (OP-141).
 *
 * @param actor needs `notification_message:create`.
 */
export function enqueueNotification(
  context: EnqueueContext,
  actor: Actor,
  { userId, ...announcement }: Announcement & { readonly userId: string },
): Promise<void> {
  return enqueue(context, actor, { userIds: [userId] }, announcement)
}

/** As {@link enqueueNotification}, to several users by their ids. */
export function enqueueToUsers(
  context: EnqueueContext,
  actor: Actor,
  { userIds, ...announcement }: Announcement & { readonly userIds: readonly string[] },
): Promise<void> {
  return userIds.length === 0 ? Promise.resolve() : enqueue(context, actor, { userIds }, announcement)
}

/** As {@link enqueueNotification}, to all owners and user admins but the users of `except` (OP-141, AG-114). */
export function enqueueToOwnersAndUserAdmins(
  context: EnqueueContext,
  actor: Actor,
  { except, ...announcement }: Announcement & { readonly except: readonly string[] },
): Promise<void> {
  return enqueue(context, actor, { roles: ACCOUNT_ADMINS, except }, announcement)
}

/** As {@link enqueueNotification}, to all owners and template admins but the users of `except` (WS section 13). */
export function enqueueToOwnersAndTemplateAdmins(
  context: EnqueueContext,
  actor: Actor,
  { except, ...announcement }: Announcement & { readonly except: readonly string[] },
): Promise<void> {
  return enqueue(context, actor, { roles: TEMPLATE_ADMINS, except }, announcement)
}

/** As {@link enqueueNotification}, to all template admins (WS section 13). */
export function enqueueToTemplateAdmins(
  context: EnqueueContext,
  actor: Actor,
  announcement: Announcement,
): Promise<void> {
  return enqueue(context, actor, { roles: ['template-admin'], except: [] }, announcement)
}

async function enqueue(
  context: EnqueueContext,
  actor: Actor,
  audience: Audience,
  announcement: Announcement,
): Promise<void> {
  try {
    const template = templateOf(announcement.templateId)
    if (template === undefined) throw new Error('there is no such kind of notification')
    const { config, clock, database } = context
    const now = clock.now()
    for (const some of inParts(audience)) {
      const { recipients, method } = await findRecipients(actor, database.db, template.id, some)
      const messages = recipients.flatMap((recipient) => {
        const payload = payloadOf(template, recipient, announcement, context)
        return methodsOf(config, template, method)
          .filter((by) => by !== 'smtp' || recipient.email !== '')
          .map((by) => ({
            templateId: template.id,
            userId: recipient.id,
            method: by,
            payload,
            targets: payload.targets,
            dedupeHash: dedupeHash(by, payload, now),
          }))
      })
      await insertMessages(actor, database.db, messages, { enabledByDefault: template.enabledByDefault, now })
    }
  } catch (error) {
    context.log.error('a notification could not be queued', {
      template_id: announcement.templateId,
      error: describeError(error),
    })
  }
}

/** As many users as one statement takes. */
function* inParts(audience: Audience): Generator<Audience> {
  if (!('userIds' in audience)) yield audience
  else
    for (let at = 0; at < audience.userIds.length; at += MAX_RECIPIENTS)
      yield { userIds: audience.userIds.slice(at, at + MAX_RECIPIENTS) }
}

/** Whether a method has all that it needs to be configured. */
export function isReady(config: Config, method: Method): boolean {
  switch (method) {
    case 'smtp':
      return config.emailSmarthost !== '' && config.emailFrom !== ''
    case 'webhook':
      return config.notificationsWebhookEndpoint !== ''
    case 'inbox':
      return config.notificationsInboxEnabled
  }
}

/** The ways that messages of a template go: the chosen one, else the default one where it is ready, and the inbox. */
function methodsOf(config: Config, template: Template, chosen: Method | undefined): Method[] {
  const fallback = config.notificationsMethod
  const method = chosen ?? (isReady(config, fallback) ? fallback : undefined)
  const methods = new Set<Method>()
  if (method !== undefined) methods.add(method)
  if (config.notificationsInboxEnabled) methods.add('inbox')
  // Who reads the inbox is signed in; a passcode there would lie in the database (OP-130).
  if (!template.inbox) methods.delete('inbox')
  return [...methods]
}

function payloadOf(
  template: Template,
  { id, email, name, username }: Recipient,
  { labels, data, targets = [], actions = [] }: Announcement,
  { accessUrl, appearance }: EnqueueContext,
): Payload {
  const base = {
    _version: PAYLOAD_VERSION,
    notification_name: template.name,
    notification_template_id: template.id,
    user_id: id,
    user_email: email,
    user_name: name === '' ? username : name,
    user_username: username,
    labels: { ...labels },
    data: data ?? null,
    targets: targets.slice(0, MAX_TARGETS),
  }
  const view = {
    ...base,
    base_url: accessUrl().replace(/\/$/, ''),
    app_name: appearance.applicationName,
  }
  return {
    ...base,
    actions: [
      ...template.actions.map((action) => ({
        label: render(action.label, view, (text) => text),
        // The address of this server stands as it is, what is put into it does not.
        url: render(action.url, view, (text) => (text === view.base_url ? text : encodeURIComponent(text))),
      })),
      ...actions,
    ],
  }
}

/** The same for the same message by the same way on the same day of UTC (OP-132). */
function dedupeHash(method: Method, payload: Payload, now: Date): Buffer {
  const day = now.toISOString().slice(0, 10)
  return createHash('sha256')
    .update(JSON.stringify([method, day, payload]))
    .digest()
}
