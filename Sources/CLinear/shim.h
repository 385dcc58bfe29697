#include <linear.h>

static inline void clinear_say_nothing(const char *text) { (void)text; }

/* The library tells its progress on the standard output unless it is given a function of its own. */
static inline void clinear_be_silent(void) { set_print_string_function(&clinear_say_nothing); }
