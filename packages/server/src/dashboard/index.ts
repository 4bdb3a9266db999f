export { type Dashboard, loadDashboard } from './dashboard.ts'
