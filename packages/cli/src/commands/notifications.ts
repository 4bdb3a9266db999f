import type { Command } from 'commander'

import {
  getNotificationsSettings,
  putNotificationsSettings,
  sendCustomNotification,
  sendTestNotification,
} from '@slipway/contract'
import { openSession } from '../session.ts'

/** `notifications …` (chapter 09 section 17.3). */
export function notificationCommands(program: Command): void {
  const notifications = program.command('notifications')
  for (const [word, paused] of [
    ['pause', true],
    ['resume', false],
  ] as const)
    notifications
      .command(word)
      .description(
        paused
          ? 'Send no notifications to anybody; what comes meanwhile waits'
          : 'Send notifications again, first those that have waited',
      )
      .action(async (_own: unknown, command: Command) => {
        const client = await openSession(command)
        // What is so already has no answer that says so.
        const { notifier_paused: now } = await client.call(getNotificationsSettings)
        if (now !== paused) await client.call(putNotificationsSettings, { body: { notifier_paused: paused } })
        process.stderr.write(`Notifications are now ${paused ? 'paused' : 'sent'}.\n`)
      })
  notifications
    .command('test')
    .description('Send yourself a notification, to see whether they arrive')
    .action(async (_own: unknown, command: Command) => {
      const client = await openSession(command)
      await client.call(sendTestNotification)
      process.stderr.write(
        'A test notification is on its way to you. If it does not arrive, look into the log of the server.\n',
      )
    })
  notifications
    .command('custom <title> <message>')
    .description('Send yourself a notification of your own words, such as at the end of a script')
    .action(async (title: string, message: string, _own: unknown, command: Command) => {
      const client = await openSession(command)
      await client.call(sendCustomNotification, { body: { content: { title, message } } })
      process.stderr.write('The notification is on its way to you.\n')
    })
}
