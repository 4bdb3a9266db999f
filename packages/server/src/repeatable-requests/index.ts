export { RepeatableRequest } from './repeatable-request.ts'
export { oldAnswers } from './store.ts'
