export {
  createLogger,
  describeError,
  type LogFields,
  type Logger,
  type LogLevel,
  type LogValue,
  silentLogger,
} from './logger.ts'
export { safeQueryFields } from './query-fields.ts'
export { type RequestLogOptions, requestLog } from './request-log.ts'
export { LogSink } from './sink.ts'
