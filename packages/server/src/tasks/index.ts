export { reportTaskState } from './report-state.ts'
export { taskRoutes } from './routes.ts'
