import { hostname } from 'node:os'

import type { AppContext } from '../../context.ts'
import { isUnfixable, mailServer } from '../../mail/index.ts'
import { type Dispatcher, UndeliverableError } from './delivery.ts'
import { mailHtml, mailText } from './mail-layout.ts'

/** Hands messages to the mail server (OP-134). */
export function smtpDispatcher(context: Pick<AppContext, 'config' | 'passwords' | 'accessUrl'>): Dispatcher {
  const { config, accessUrl } = context
  const server = mailServer(context)
  return {
    async send(delivery, signal) {
      if (config.emailSmarthost === '' || config.emailFrom === '')
        throw new UndeliverableError('set CODER_EMAIL_SMARTHOST and CODER_EMAIL_FROM')
      try {
        await server.send(
          {
            to: delivery.payload.user_email,
            subject: delivery.title,
            text: mailText(delivery, accessUrl()),
            html: await mailHtml(delivery, accessUrl()),
            messageId: `<${delivery.id}@${hostname()}>`,
          },
          signal,
        )
      } catch (error) {
        if (isUnfixable(error)) throw new UndeliverableError(describe(error), { cause: error })
        throw error
      }
    },
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
