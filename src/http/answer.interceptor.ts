import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import type { Response } from 'express';
import { map, type Observable } from 'rxjs';
import { Answered } from '../changes/changes.js';

/** Sends what a change answered, and says so if it was answered before. */
export class AnswerInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(map((answer: unknown) => {
      if (!(answer instanceof Answered)) return answer;
      if (answer.replayed) context.switchToHttp().getResponse<Response>().setHeader('Idempotency-Replayed', 'true');
      return answer.body as unknown;
    }));
  }
}
