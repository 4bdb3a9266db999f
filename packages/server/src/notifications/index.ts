export { announceAccounts } from './account-events.ts'
export {
  type Announcement,
  enqueueNotification,
  enqueueToOwnersAndTemplateAdmins,
  enqueueToOwnersAndUserAdmins,
  enqueueToTemplateAdmins,
  enqueueToUsers,
} from './enqueue.ts'
export { expiringTokensJob } from './expiring-tokens.ts'
export { failedBuildsReportJob } from './failed-builds-report.ts'
export { Notifier } from './notifier.ts'
export { notificationRoutes } from './routes.ts'
export { TEMPLATES } from './template-ids.ts'
