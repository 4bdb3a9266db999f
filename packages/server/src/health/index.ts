export { checksOf } from './checks.ts'
export { HealthReports } from './health-reports.ts'
export { Readiness } from './readiness.ts'
export { healthRoutes } from './routes.ts'
