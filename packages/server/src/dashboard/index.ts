export { type Dashboard, loadDashboard } from './dashboard.ts'
export { textFont } from './text-font.ts'
