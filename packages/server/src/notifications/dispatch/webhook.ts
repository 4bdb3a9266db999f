import type { Config } from '../../config/index.ts'
import { type Dispatcher, UndeliverableError } from './delivery.ts'

const WEBHOOK_VERSION = '1.1'

/**
 * Posts messages as JSON to the address that the operator has configured, which may be on this machine or in this
 * network (OP-135).
 */
export function webhookDispatcher(config: Pick<Config, 'notificationsWebhookEndpoint'>): Dispatcher {
  return {
    async send(delivery, signal) {
      if (config.notificationsWebhookEndpoint === '')
        throw new UndeliverableError('set CODER_NOTIFICATIONS_WEBHOOK_ENDPOINT')
      const url = new URL(config.notificationsWebhookEndpoint)
      const authorization = basicAuthorization(url)
      const response = await fetch(url, {
        method: 'POST',
        headers: {
          'Content-Type': 'application/json',
          'X-Message-Id': delivery.id,
          ...(authorization === undefined ? {} : { Authorization: authorization }),
        },
        body: JSON.stringify({
          _version: WEBHOOK_VERSION,
          msg_id: delivery.id,
          payload: delivery.payload,
          title: delivery.title,
          title_markdown: delivery.titleMarkdown,
          body: delivery.body,
          body_markdown: delivery.bodyMarkdown,
        }),
        // Whoever is sent on has not taken anything.
        redirect: 'manual',
        signal,
      })
      await response.body?.cancel()
      if (response.status >= 300) throw new Error(`the webhook answered ${response.status}`)
    },
  }
}

/** The name and the password that an address holds, which then holds them no more. */
function basicAuthorization(url: URL): string | undefined {
  if (url.username === '' && url.password === '') return undefined
  const pair = [url.username, url.password].map(decodeURIComponent).join(':')
  url.username = ''
  url.password = ''
  return `Basic ${Buffer.from(pair).toString('base64')}`
}
