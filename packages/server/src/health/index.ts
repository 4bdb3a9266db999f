export { checksOf } from './checks.ts'
export { HealthReports } from './health-reports.ts'
export { healthRoutes } from './routes.ts'
