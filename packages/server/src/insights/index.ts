export { countTemplateUse } from './insights-gauges.ts'
export { insightsRoutes } from './routes.ts'
