import { hostname } from 'node:os'

import type { Config } from '../../config/index.ts'
import { isUnfixable, openTransport, type Transport } from '../../mail/index.ts'
import { type Dispatcher, UndeliverableError } from './delivery.ts'
import { mailHtml, mailText } from './mail-layout.ts'

/** Hands messages to the mail server (OP-134). */
export function smtpDispatcher(config: Config, accessUrl: () => string): Dispatcher {
  let opened: Promise<Transport> | undefined
  return {
    async send(delivery, signal) {
      if (config.emailSmarthost === '' || config.emailFrom === '')
        throw new UndeliverableError('set CODER_EMAIL_SMARTHOST and CODER_EMAIL_FROM')
      try {
        opened ??= openTransport(config)
        const transport = await opened
        signal.throwIfAborted()
        await transport.send({
          to: delivery.payload.user_email,
          subject: delivery.title,
          text: mailText(delivery, accessUrl()),
          html: await mailHtml(delivery, accessUrl()),
          messageId: `<${delivery.id}@${hostname()}>`,
        })
      } catch (error) {
        // Files of certificates and passwords may have been put right meanwhile.
        opened = undefined
        if (isUnfixable(error)) throw new UndeliverableError(describe(error), { cause: error })
        throw error
      }
    },
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
