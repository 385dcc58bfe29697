#include <curl/curl.h>
#include <string.h>

/* curl_easy_setopt takes any number of arguments of any type, which the importer passes over; so the one call we need is made here. */

struct ccurl_mail {
    const char *url;         /* smtp://host:port or smtps://host:port */
    const char *resolve;     /* host:port:address, so that no name is looked up again */
    const char *from;
    const char *const *recipients;
    long recipient_count;
    const char *user;        /* NULL: none */
    const char *password;
    int starttls;            /* 1: refuse to go on without TLS */
    long timeout_ms;
    const char *text;        /* NULL: greet and leave */
    size_t length;
};

struct ccurl_reading {
    const char *at;
    size_t left;
};

static inline size_t ccurl_read(char *to, size_t size, size_t count, void *context) {
    struct ccurl_reading *reading = (struct ccurl_reading *)context;
    size_t most = size * count;
    size_t taken = reading->left < most ? reading->left : most;
    memcpy(to, reading->at, taken);
    reading->at += taken;
    reading->left -= taken;
    return taken;
}

/* Hands a mail to its server; without a text it only greets, logs in where there is a user, and leaves. Blocks.
   Returns curl's code, 0 when all went well; `answer` is the server's last code. */
static inline int ccurl_talk(const struct ccurl_mail *mail, long *answer, char error[CURL_ERROR_SIZE]) {
    CURL *curl = curl_easy_init();
    if (!curl) return CURLE_OUT_OF_MEMORY;
    struct curl_slist *recipients = NULL, *resolve = curl_slist_append(NULL, mail->resolve);
    for (long i = 0; i < mail->recipient_count; i++) recipients = curl_slist_append(recipients, mail->recipients[i]);
    struct ccurl_reading reading = {mail->text, mail->length};
    error[0] = 0;
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(curl, CURLOPT_URL, mail->url);
    curl_easy_setopt(curl, CURLOPT_RESOLVE, resolve);
    if (mail->user) {
        curl_easy_setopt(curl, CURLOPT_USERNAME, mail->user);
        curl_easy_setopt(curl, CURLOPT_PASSWORD, mail->password);
    }
    if (mail->starttls) curl_easy_setopt(curl, CURLOPT_USE_SSL, (long)CURLUSESSL_ALL);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, mail->timeout_ms);
    if (mail->text) {
        curl_easy_setopt(curl, CURLOPT_MAIL_FROM, mail->from);
        curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, recipients);
        curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(curl, CURLOPT_READFUNCTION, ccurl_read);
        curl_easy_setopt(curl, CURLOPT_READDATA, &reading);
    } else {
        curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
        curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, "NOOP");
    }
    int code = (int)curl_easy_perform(curl);
    *answer = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, answer);
    curl_slist_free_all(recipients);
    curl_slist_free_all(resolve);
    curl_easy_cleanup(curl);
    return code;
}
