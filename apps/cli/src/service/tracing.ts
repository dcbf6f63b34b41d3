import { randomBytes } from "node:crypto";
import { errorMessage, type Hex, type Log, type RecordSpan, type SpanRecord } from "@depinfer/protocol";
import { type Attributes, ROOT_CONTEXT, SpanKind, SpanStatusCode, TraceFlags, trace } from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchSpanProcessor, type SpanExporter, TracerProvider } from "@opentelemetry/sdk-trace";

/** Where traces go. */
export interface Tracing {
  readonly record: RecordSpan;
  /** Sends what waits. */
  stop(): Promise<void>;
}

const KINDS = { server: SpanKind.SERVER, client: SpanKind.CLIENT, internal: SpanKind.INTERNAL } as const;

/**
 * Traces to where OpenTelemetry's usual variables say, `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` or the one without `TRACES_`, or
 * undefined when neither is set.
 */
export function tracingOf(service: string, log: Log): Tracing | undefined {
  const { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: traces, OTEL_EXPORTER_OTLP_ENDPOINT: all } = process.env;
  const url = traces ?? (all === undefined ? undefined : `${all.replace(/\/$/, "")}/v1/traces`);
  return url === undefined ? undefined : createTracing(service, url, log);
}

/**
 * Traces over OTLP. A request's id is known to the gateway, its provider and whoever audits it, so it is the trace's id: the
 * spans of all services fall into one trace, and no header has to travel.
 *
 * @param exporter by default OTLP over HTTP to `url`, such as `http://127.0.0.1:4318/v1/traces`.
 */
export function createTracing(
  service: string,
  url: string,
  log: Log,
  exporter: SpanExporter = new OTLPTraceExporter({ url }),
): Tracing {
  /** Ids of the containing span that is being made. */
  let own: ReturnType<typeof idsOf> | null = null;
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ "service.name": `depinfer-${service}` }),
    spanProcessors: [new BatchSpanProcessor({ exporter })],
    idGenerator: {
      generateTraceId: () => own?.traceId ?? randomBytes(16).toString("hex"),
      generateSpanId: () => own?.spanId ?? randomBytes(8).toString("hex"),
    },
  });
  const tracer = provider.getTracer("depinfer");

  function record({ requestId, name, kind, root, startedAt, endedAt, error, attributes }: SpanRecord): void {
    const ids = idsOf(requestId);
    const containing = { ...ids, traceFlags: TraceFlags.SAMPLED, isRemote: true };
    const parent = root === true ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, containing);
    own = root === true ? ids : null;
    const details: Attributes = { "depinfer.request": requestId, ...attributes };
    const span = tracer.startSpan(name, { kind: KINDS[kind], startTime: startedAt, attributes: details }, parent);
    own = null;
    if (error !== undefined) {
      span.setStatus({ code: SpanStatusCode.ERROR, message: error });
    }
    span.end(endedAt);
  }

  return {
    record(span) {
      try {
        record(span);
      } catch (error) {
        log("warn", `a span was not recorded: ${errorMessage(error)}`);
      }
    },
    stop: () => provider.shutdown(),
  };
}

/** The trace of a request, and the id of its containing span: the first 16 and the next 8 bytes of the request's id. */
export function idsOf(requestId: Hex): { readonly traceId: string; readonly spanId: string } {
  return { traceId: requestId.slice(2, 34), spanId: requestId.slice(34, 50) };
}
