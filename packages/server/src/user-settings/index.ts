export { effectiveQuietHours, nextQuietHour } from './quiet-hours.ts'
export { userSettingsRoutes } from './routes.ts'
